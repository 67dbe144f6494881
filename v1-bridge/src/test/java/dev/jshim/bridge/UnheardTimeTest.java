package dev.jshim.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Timestamp;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnheardTimeTest {
    @TempDir
    Path folder;

    private static Timestamp at(Instant when) {
        return Timestamp.newBuilder()
                .setSeconds(when.getEpochSecond())
                .setNanos(when.getNano())
                .build();
    }

    private static void pause() throws InterruptedException {
        // The kernel's own clock of files is some milliseconds behind.
        Thread.sleep(20);
    }

    @Test
    void beginsWithTheDaemonAndEndsWhenItIsHeard() throws Exception {
        var bridge = new UnheardTime.Start();
        pause();
        var before = Instant.now();
        pause();
        var socket = Files.createFile(folder.resolve("c.sock"));
        pause();
        var between = Instant.now();
        pause();
        var unheard = UnheardTime.of(socket, bridge);
        pause();
        assertThat(unheard.contains(at(before))).isFalse();
        assertThat(unheard.contains(at(between))).isTrue();
        assertThat(unheard.contains(at(Instant.now()))).isFalse();
        assertThat(unheard.contains(Timestamp.getDefaultInstance())).isFalse();
    }

    @Test
    void nothingIsKnownOfTheTimeBeforeTheBridge() throws Exception {
        var socket = Files.createFile(folder.resolve("c.sock"));
        pause();
        var before = Instant.now();
        pause();
        var unheard = UnheardTime.of(socket, new UnheardTime.Start());
        assertThat(unheard.contains(at(before))).isFalse();
    }

    /** A v1 shim's program may have given up on a daemon that took longer to answer. */
    @Test
    void itIsNeverLong() throws Exception {
        var bridge = new UnheardTime.Start();
        var socket = Files.createFile(folder.resolve("c.sock"));
        pause();
        var early = Instant.now();
        Thread.sleep(2_100);
        assertThat(UnheardTime.of(socket, bridge).contains(at(early))).isFalse();
    }

    @Test
    void withoutASocketThereIsNone() {
        assertThat(UnheardTime.of(folder.resolve("none"), new UnheardTime.Start()))
                .isEqualTo(UnheardTime.NONE);
        assertThat(UnheardTime.NONE.contains(at(Instant.now()))).isFalse();
    }
}
