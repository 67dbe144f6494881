package dev.jshim.node.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import dev.jshim.node.shim.FakeShims;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FifoEndTest {
    @TempDir
    private Path directory;

    @Test
    void whoReads() throws IOException {
        var open = directory.resolve("open");
        var idle = directory.resolve("idle");
        FileCalls.mkfifo(open, 0600);
        FileCalls.mkfifo(idle, 0600);
        try (var reader = FileCalls.open(open, OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK, 0)) {
            assertThat(reader.isOpen()).isTrue();
            var ends = FifoEnd.of(ProcFs.system(), Set.of(open, idle));
            assertThat(ends.get(idle)).isEmpty();
            assertThat(ends.get(open)).singleElement().satisfies(end -> {
                assertThat(end.pid()).isEqualTo(FakeShims.PID);
                assertThat(end.reads()).isTrue();
                assertThat(end.writes()).isFalse();
            });
        }
    }
}
