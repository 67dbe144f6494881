package dev.jshim.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class TerminalModeTest {
    @TempDir
    private Path folder;

    /** The master of a terminal has the mode of the terminal. */
    @Test
    void aRawTerminalLeavesBytesAloneAndCanBeMadeAsItWas() throws Exception {
        try (var master = FileCalls.open(Path.of("/dev/ptmx"), OpenFlags.O_RDWR | OpenFlags.O_NOCTTY, 0)) {
            var before = TerminalMode.of(master);
            assertThat(TerminalMode.of(master)).isEqualTo(before);
            master.setNonBlocking(true);
            assertThat(echo(master, "a\r", 3)).as("echo, and CR as NL").isEqualTo("a\r\n");

            before.raw().set(master);
            assertThat(TerminalMode.of(master)).isEqualTo(before.raw()).isNotEqualTo(before);
            master.writeFully("b\r\u0003".getBytes(StandardCharsets.UTF_8));
            assertThat(master.tryRead(new byte[16])).as("nothing is echoed").isZero();

            before.set(master);
            assertThat(TerminalMode.of(master)).isEqualTo(before);
        }
    }

    @Test
    void whatIsNoTerminalIsSaidToBeNone() throws IOException {
        try (var file = FileCalls.open(folder, OpenFlags.O_RDONLY, 0)) {
            assertThatThrownBy(() -> TerminalMode.of(file)).hasMessageContaining("TCGETS");
        }
    }

    /** That many bytes, or what there is after 20 s: the kernel may hand the echo of each key over on its own. */
    private static String echo(Fd master, String typed, int length) throws Exception {
        master.writeFully(typed.getBytes(StandardCharsets.UTF_8));
        var echo = new StringBuilder();
        var buffer = new byte[16];
        var end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (echo.length() < length && System.nanoTime() < end) {
            var count = master.tryRead(buffer);
            if (count == 0) {
                Thread.sleep(2);
            } else {
                echo.append(new String(buffer, 0, count, StandardCharsets.US_ASCII));
            }
        }
        return echo.toString();
    }
}
