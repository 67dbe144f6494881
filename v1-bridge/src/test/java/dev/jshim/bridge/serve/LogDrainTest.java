package dev.jshim.bridge.serve;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.bridge.V1Rig;
import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogDrainTest {
    @TempDir
    Path work;

    private Collection<Path> works;
    private LogDrain drain;

    @BeforeEach
    void setUp() {
        works = List.of(work);
        drain = new LogDrain(() -> works);
    }

    @AfterEach
    void tearDown() {
        drain.close();
    }

    @Test
    void takesWhatLiesThereAtTheStart() throws Exception {
        try (var shim = fifo("shim.stdout.log")) {
            shim.writeFully(new byte[1000]);
            drain.start();
            V1Rig.eventually(() -> FileCalls.unread(shim) == 0);
        }
    }

    /** Far more than a pipe holds, and long before the next look: a shim that nobody reads would block here forever. */
    @Test
    void oneThatFillsIsEmptiedAtOnce() throws Exception {
        try (var out = fifo("shim.stdout.log");
                var err = fifo("shim.stderr.log")) {
            drain.start();
            for (var i = 0; i < 20; i++) {
                out.writeFully(new byte[60_000]);
                err.writeFully(new byte[60_000]);
                V1Rig.eventually(() -> FileCalls.unread(out) < (16 << 10) && FileCalls.unread(err) < (16 << 10));
            }
        }
    }

    @Test
    void aLineIsLeftToADaemonThatReads() throws Exception {
        try (var shim = fifo("shim.stderr.log")) {
            startAndLookOnce(shim);
            shim.writeFully(new byte[100]);
            Thread.sleep(200);
            assertThat(FileCalls.unread(shim)).isEqualTo(100);
        }
    }

    @Test
    void leavesAloneWhatIsNoFifo() throws Exception {
        var file = work.resolve("shim.stdout.log");
        Files.writeString(file, "text");
        try (var shim = fifo("shim.stderr.log")) {
            startAndLookOnce(shim);
            assertThat(file).hasContent("text");
            try (var open = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
                assertThat(open).as("not open").noneMatch(fd -> isSame(fd, file));
            }
        }
    }

    private static boolean isSame(Path fd, Path file) {
        try {
            return Files.isSameFile(fd, file);
        } catch (IOException e) {
            return false; // It is closed by now, or has no name.
        }
    }

    /** Its first look has emptied the FIFO then, and it waits. */
    private void startAndLookOnce(Fd shim) throws Exception {
        shim.writeFully(new byte[1000]);
        drain.start();
        V1Rig.eventually(() -> FileCalls.unread(shim) == 0);
    }

    /** As a v1 shim holds it: at both ends, so that it never breaks. */
    private Fd fifo(String name) throws Exception {
        FileCalls.mkfifo(work.resolve(name), 0600);
        return FileCalls.open(work.resolve(name), OpenFlags.O_RDWR | OpenFlags.O_NONBLOCK | OpenFlags.O_CLOEXEC, 0);
    }
}
