package dev.jshim.bridge.exit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Message;
import dev.jshim.bridge.FakeContainer;
import dev.jshim.bridge.V1Rig;
import dev.jshim.bridge.record.AdoptedNotes;
import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.bridge.record.RememberedCgroup;
import dev.jshim.linux.ProcessId;
import dev.jshim.node.NodePaths;
import dev.jshim.shim.cgroup.OomWatch;
import dev.jshim.task.EventSink;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** On a real cgroup v1 of 8 MiB, which a process keeps as a container's init does. */
@Timeout(60)
class AdoptedOomsTest {
    @TempDir
    Path folder;

    private final AtomicInteger told = new AtomicInteger();
    private final Events events = new Events();
    private final Path memory = Path.of(
            "/sys/fs/cgroup/memory/jshim-adopted-" + ProcessHandle.current().pid());
    private Process init;

    /** A containerd that may be away. */
    private static final class Events implements EventSink {
        boolean away;

        @Override
        public void publish(Message event) {}

        @Override
        public void afterwards(Runnable action) {
            if (!away) {
                action.run();
            }
        }
    }

    @BeforeEach
    void start() throws Exception {
        Files.createDirectory(folder.resolve("jshim"));
        Files.createDirectory(memory);
        Files.writeString(memory.resolve("memory.limit_in_bytes"), "8388608");
        init = new ProcessBuilder("/bin/sleep", "300").start();
        Files.writeString(memory.resolve("cgroup.procs"), Long.toString(init.pid()));
    }

    @AfterEach
    void end() throws Exception {
        FakeContainer.end(init);
        V1Rig.eventually(() -> {
            try {
                return Files.deleteIfExists(memory);
            } catch (IOException e) {
                return false; // A killed process is not quite gone yet.
            }
        });
    }

    @Test
    void killsBeforeTheAdoptionAreNotTold() throws Exception {
        exhaust();
        notes(init()).begin();
        try (var ooms = begin()) {
            ooms.check();
            assertThat(told).hasValue(0);
            exhaust();
            ooms.check();
            assertThat(told).hasValue(1);
        }
    }

    @Test
    void theNextBridgeTellsOfThoseThatNobodyToldOf() throws Exception {
        notes(init()).ooms(0);
        try (var ooms = begin()) {
            exhaust();
            ooms.check();
            assertThat(told).hasValue(1);
        }
        try (var ooms = begin()) {
            ooms.check();
            assertThat(told).as("told by the bridge before").hasValue(1);
        }
        exhaust();
        try (var ooms = begin()) {
            ooms.check();
            assertThat(told).as("while there was no bridge").hasValue(2);
        }
    }

    @Test
    void whatCouldNotBeDeliveredTheNextBridgeTellsAgain() throws Exception {
        notes(init()).ooms(0);
        events.away = true;
        try (var ooms = begin()) {
            exhaust();
            ooms.check();
            assertThat(told).hasValue(1);
        }
        events.away = false;
        try (var ooms = begin()) {
            ooms.check();
            assertThat(told).hasValue(2);
        }
        try (var ooms = begin()) {
            ooms.check();
            assertThat(told).hasValue(2);
        }
    }

    @Test
    void withoutANoteOnlyWhatComesIsTold() throws Exception {
        exhaust();
        try (var ooms = begin()) {
            ooms.check();
            assertThat(told).hasValue(0);
            exhaust();
            ooms.check();
            assertThat(told).hasValue(1);
        }
    }

    @Test
    void theCgroupIsKnownAlsoAfterInitsEnd() throws Exception {
        var ref = init();
        notes(ref).begin();
        exhaust();
        FakeContainer.end(init);
        try (var ooms = ooms(ref)) {
            ooms.begin(told::incrementAndGet);
            assertThat(told).hasValue(1);
        }
        assertThatThrownBy(() -> new RememberedCgroup(ref, notes(ref)).cgroup())
                .as("what kills goes by what lives")
                .isInstanceOf(IOException.class);
    }

    private ProcessId init() {
        return Objects.requireNonNull(ProcessId.find((int) init.pid()));
    }

    private AdoptedNotes notes(ProcessId ref) {
        var none = Path.of("/v1/ns/c");
        var record = new AdoptedRecord("ns", "c", none, none, ref, ref, "unix:///s", "runc", Path.of("/runc"));
        return AdoptedNotes.of(new BridgePaths(new NodePaths(folder, folder)), record);
    }

    private AdoptedOoms ooms(ProcessId ref) {
        var notes = notes(ref);
        return new AdoptedOoms(new OomWatch(), new RememberedCgroup(ref, notes), notes, events);
    }

    private AdoptedOoms begin() {
        var ooms = ooms(init());
        ooms.begin(told::incrementAndGet);
        return ooms;
    }

    private void exhaust() throws Exception {
        var script = "echo $$ > " + memory + "/cgroup.procs; exec /bin/busybox tail -c 64m /dev/zero";
        var greedy = new ProcessBuilder("/bin/sh", "-c", script)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        assertThat(greedy.waitFor()).isEqualTo(137);
    }
}
