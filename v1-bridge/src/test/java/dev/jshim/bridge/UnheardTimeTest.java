package dev.jshim.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Timestamp;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
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

    /** Returns once the kernel's own clock of files, which is some milliseconds behind, has passed that moment. */
    private void pass(Instant when) throws Exception {
        var file = folder.resolve("clock");
        do {
            Thread.sleep(2);
            Files.deleteIfExists(file);
            Files.createFile(file);
        } while (!((FileTime) Files.getAttribute(file, "unix:ctime"))
                .toInstant()
                .isAfter(when));
    }

    /** A moment which is later than all before, by both clocks, and earlier than all after. */
    private Instant moment() throws Exception {
        pass(Instant.now());
        var moment = Instant.now();
        pass(moment);
        return moment;
    }

    @Test
    void beginsWithTheDaemonAndEndsWhenItIsHeard() throws Exception {
        var bridge = new UnheardTime.Start();
        var before = moment();
        var socket = Files.createFile(folder.resolve("c.sock"));
        var between = moment();
        var now = moment();
        var unheard = UnheardTime.of(socket, bridge, between.plusMillis(1));
        assertThat(unheard.contains(at(before))).isFalse();
        assertThat(unheard.contains(at(between))).isTrue();
        assertThat(unheard.contains(at(now))).isFalse();
        assertThat(unheard.contains(Timestamp.getDefaultInstance())).isFalse();
    }

    @Test
    void nothingIsKnownOfTheTimeBeforeTheBridge() throws Exception {
        var socket = Files.createFile(folder.resolve("c.sock"));
        var before = moment();
        var unheard = UnheardTime.of(socket, new UnheardTime.Start());
        assertThat(unheard.contains(at(before))).isFalse();
        assertThat(unheard.contains(at(moment()))).isFalse();
    }

    /** A v1 shim's program may have given up on a daemon that took longer to answer. */
    @Test
    void itIsNeverLong() throws Exception {
        var bridge = new UnheardTime.Start();
        var socket = Files.createFile(folder.resolve("c.sock"));
        var early = moment();
        assertThat(UnheardTime.of(socket, bridge, early.plusMillis(1_900)).contains(at(early)))
                .isTrue();
        assertThat(UnheardTime.of(socket, bridge, early.plusMillis(2_100)).contains(at(early)))
                .isFalse();
    }

    @Test
    void withoutASocketThereIsNone() {
        assertThat(UnheardTime.of(folder.resolve("none"), new UnheardTime.Start()))
                .isEqualTo(UnheardTime.NONE);
        assertThat(UnheardTime.NONE.contains(at(Instant.now()))).isFalse();
    }
}
