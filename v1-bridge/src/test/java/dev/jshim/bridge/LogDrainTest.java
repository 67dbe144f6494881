package dev.jshim.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogDrainTest {
    @TempDir
    Path folder;

    @Test
    void takesWhatLiesInTheFifoAndDoesNotWait() throws Exception {
        var fifo = folder.resolve("log");
        FileCalls.mkfifo(fifo, 0600);
        // As a v1 shim holds it: at both ends, so that it never breaks.
        var flags = OpenFlags.O_RDWR | OpenFlags.O_NONBLOCK | OpenFlags.O_CLOEXEC;
        try (var timer = Bridge.timer();
                var shim = FileCalls.open(fifo, flags, 0);
                var drain = new LogDrain(List::of, timer)) {
            assertThat(drain.drain(fifo)).isZero();
            shim.writeFully(new byte[50_000]);
            assertThat(drain.drain(fifo)).isEqualTo(50_000);
            shim.writeFully(new byte[50_000]);
            assertThat(drain.drain(fifo)).isEqualTo(50_000);
        }
    }

    @Test
    void leavesAloneWhatIsNoFifo() throws Exception {
        var file = folder.resolve("file");
        Files.writeString(file, "text");
        try (var timer = Bridge.timer();
                var drain = new LogDrain(List::of, timer)) {
            assertThat(drain.drain(file)).isZero();
            assertThat(drain.drain(folder.resolve("none"))).isZero();
        }
        assertThat(file).hasContent("text");
    }
}
