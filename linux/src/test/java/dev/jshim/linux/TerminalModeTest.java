package dev.jshim.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class TerminalModeTest {
    @TempDir
    private Path folder;

    /** The master of a terminal has the mode of the terminal. */
    @Test
    void aRawTerminalLeavesBytesAloneAndCanBeMadeAsItWas() throws Exception {
        try (var master = FileCalls.open(Path.of("/dev/ptmx"), OpenFlags.O_RDWR | OpenFlags.O_NOCTTY, 0)) {
            var before = TerminalMode.of(master);
            assertThat(TerminalMode.of(master)).isEqualTo(before);
            assertThat(echo(master, "a\r")).as("echo, and CR as NL").isEqualTo("a\r\n");

            before.raw().set(master);
            assertThat(TerminalMode.of(master)).isEqualTo(before.raw()).isNotEqualTo(before);
            master.setNonBlocking(true);
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

    private static String echo(Fd master, String typed) throws ErrnoException {
        master.writeFully(typed.getBytes(StandardCharsets.UTF_8));
        var buffer = new byte[16];
        var count = master.read(buffer, 0, buffer.length);
        return new String(buffer, 0, count, StandardCharsets.UTF_8);
    }
}
