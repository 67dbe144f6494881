package dev.jshim.bridge.record;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.ProcessId;
import dev.jshim.proto.v2.events.TaskExit;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What one bridge notes is what the next one knows. */
class AdoptedNotesTest {
    private static final AdoptedRecord RECORD = new AdoptedRecord(
            "ns",
            "c",
            Path.of("/v1/ns/c"),
            Path.of("/var/v1/ns/c"),
            new ProcessId(6, 1),
            new ProcessId(7, 1),
            "unix:///s",
            "runc",
            Path.of("/runc"));

    @TempDir
    Path folder;

    private static TaskExit exit(String id, int pid, int status) {
        return TaskExit.newBuilder()
                .setContainerId("c")
                .setId(id)
                .setPid(pid)
                .setExitStatus(status)
                .build();
    }

    private AdoptedNotes notes() {
        return new AdoptedNotes(RECORD, folder.resolve("bundle"));
    }

    @Test
    void isKeptByProcessAndCode() throws Exception {
        Files.createDirectory(folder.resolve("bundle"));
        var notes = notes();
        notes.started("e", 8);
        notes.told(exit("e", 8, 3));
        notes.told(exit("c", 7, -1));
        notes.daemon("23 42 a line /c.sock");

        var next = notes();
        assertThat(next.daemon()).isEqualTo("23 42 a line /c.sock");
        assertThat(next.isTold("e", 8)).isTrue();
        assertThat(next.isTold("e", 9)).isFalse();
        assertThat(next.execs()).isEqualTo(Map.of("e", 8));
        assertThat(next.isTold(exit("e", 8, 3))).isTrue();
        assertThat(next.isTold(exit("e", 9, 3))).as("an id used again").isFalse();
        assertThat(next.isTold(exit("e", 8, 255))).isFalse();
        assertThat(next.isTold(exit("c", 7, -1))).isTrue();
        assertThat(next.isTold(exit("c", 7, 0))).isFalse();
    }

    /** containerd empties it under another name, which whatever is made in it meanwhile makes fail. */
    @Test
    void makesNothingInABundleThatIsBeingTakenAway() throws Exception {
        var bundle = Files.createDirectory(folder.resolve("bundle"));
        var notes = new AdoptedNotes(RECORD, bundle);
        notes.end();
        notes.told(exit("c", 7, 0));
        assertThat(bundle).isEmptyDirectory();
        assertThat(notes.isTold(exit("c", 7, 0))).isTrue();
    }

    @Test
    void holdsNothingOfProcessesThatAreNoMore() throws Exception {
        Files.createDirectory(folder.resolve("bundle"));
        var notes = notes();
        for (var i = 1; i <= 1000; i++) {
            notes.started("probe" + i, i);
            notes.told(exit("probe" + i, i, 0));
            notes.deleted("probe" + i, i);
            notes.told(exit("probe" + i, i, 0)); // containerd may be the slower one
        }
        notes.told(exit("c", 70, 0));
        assertThat(folder.resolve("bundle").resolve(AdoptedNotes.FILE)).hasContent("ooms -1");
    }

    @Test
    void theEndOfOneIsNotThatOfAnotherByItsId() throws Exception {
        Files.createDirectory(folder.resolve("bundle"));
        var notes = notes();
        notes.started("e", 8);
        notes.started("e", 9);
        notes.deleted("e", 8);
        assertThat(notes.execs()).isEqualTo(Map.of("e", 9));
    }

    @Test
    void whatIsKnownBeforeTheBundleIsThereIsNotLost() throws Exception {
        var notes = notes();
        notes.told(exit("c", 7, 0));
        assertThat(folder).isEmptyDirectory();
        notes.started("e", 8);
        Files.createDirectory(folder.resolve("bundle"));
        notes.bundleIsThere();
        assertThat(notes().isTold(exit("c", 7, 0))).isTrue();
        assertThat(notes().execs()).isEqualTo(Map.of("e", 8));
    }

    @Test
    void aDamagedFileCostsWhatItHeldAndNoMore() throws Exception {
        Files.createDirectory(folder.resolve("bundle"));
        Files.writeString(
                folder.resolve("bundle").resolve(AdoptedNotes.FILE),
                "told x 0 c\nexec\n\u0000\nexec 8 e\ntold 7 99999999999 c\ntold 7 0 c\n");
        assertThat(notes().execs()).isEqualTo(Map.of("e", 8));
        assertThat(notes().daemon()).as("as before there was such a line").isEmpty();
        assertThat(notes().isTold(exit("c", 7, 0))).isTrue();
        Files.write(folder.resolve("bundle").resolve(AdoptedNotes.FILE), new byte[] {(byte) 0xff, (byte) 0xfe});
        assertThat(notes().execs()).isEmpty();
    }

    /** The adoption begins them, and the bridge may have known something before. */
    @Test
    void whatTheAdoptionHasNotedStays() throws Exception {
        var notes = notes();
        notes.daemon("one");
        Files.createDirectory(folder.resolve("bundle"));
        Files.writeString(
                folder.resolve("bundle").resolve(AdoptedNotes.FILE), "ooms 3\ncgroup 4:memory:/ns/c\ncgroup 0::/\n");
        notes.started("e", 8);
        notes.bundleIsThere();
        for (var each : List.of(notes, notes())) {
            assertThat(each.daemon()).isEqualTo("one");
            assertThat(each.ooms()).isEqualTo(3);
            assertThat(each.cgroup().lines()).containsExactly("4:memory:/ns/c", "0::/");
            assertThat(each.execs()).isEqualTo(Map.of("e", 8));
        }
    }

    @Test
    void anOlderCountIsNoNews() throws Exception {
        Files.createDirectory(folder.resolve("bundle"));
        var notes = notes();
        notes.ooms(2);
        notes.ooms(1);
        assertThat(notes.ooms()).isEqualTo(2);
        assertThat(notes().ooms()).isEqualTo(2);
    }
}
