package dev.jshim.bridge.record;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.ProcessId;
import dev.jshim.node.NodePaths;
import dev.jshim.proto.v2.bridge.HeldEvents;
import dev.jshim.proto.v2.bridge.Notes;
import dev.jshim.proto.v2.events.TaskExit;
import dev.jshim.task.Exit;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
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

    @BeforeEach
    void directory() throws Exception {
        Files.createDirectories(paths().directory());
    }

    private BridgePaths paths() {
        return new BridgePaths(new NodePaths(folder.resolve("root"), folder.resolve("state")));
    }

    private AdoptedNotes notes() {
        return AdoptedNotes.of(paths(), RECORD);
    }

    @Test
    void isKeptByProcessAndCode() throws Exception {
        var notes = notes();
        notes.started("e", 8);
        notes.held(List.of(), exit("e", 8, 3));
        notes.held(List.of(), exit("c", 7, -1));
        notes.daemon("23 42 a line /c.sock");

        var next = notes();
        assertThat(next.daemon()).isEqualTo("23 42 a line /c.sock");
        assertThat(next.isReported("e", 8)).isTrue();
        assertThat(next.isReported("e", 9)).isFalse();
        assertThat(next.execs()).isEqualTo(Map.of("e", 8));
        assertThat(next.isReported(exit("e", 8, 3))).isTrue();
        assertThat(next.isReported(exit("e", 9, 3))).as("an id used again").isFalse();
        assertThat(next.isReported(exit("e", 8, 255))).isFalse();
        assertThat(next.isReported(exit("c", 7, -1))).isTrue();
        assertThat(next.isReported(exit("c", 7, 0))).isFalse();
    }

    @Test
    void holdsNothingOfProcessesThatAreNoMore() throws Exception {
        var notes = notes();
        for (var i = 1; i <= 1000; i++) {
            notes.started("probe" + i, i);
            notes.held(List.of(), exit("probe" + i, i, 0));
            notes.deleted("probe" + i, i);
            notes.held(List.of(), exit("probe" + i, i, 0)); // containerd may be the slower one
        }
        notes.held(List.of(), exit("c", 70, 0));
        assertThat(Notes.parseFrom(Files.readAllBytes(notes.file())))
                .isEqualTo(Notes.newBuilder().setRecord(RECORD.text()).build());
    }

    @Test
    void theEndOfOneIsNotThatOfAnotherByItsId() throws Exception {
        var notes = notes();
        notes.started("e", 8);
        notes.started("e", 9);
        notes.deleted("e", 8);
        assertThat(notes.execs()).isEqualTo(Map.of("e", 9));
    }

    @Test
    void damagedNotesCostWhatTheyHeldAndNoMore() throws Exception {
        notes().started("e", 8);
        Files.write(notes().file(), new byte[] {(byte) 0xff, (byte) 0xfe});
        assertThat(notes().execs()).isEmpty();
        assertThat(AdoptedNotes.all(paths())).isEmpty();
        notes().started("f", 9);
        assertThat(AdoptedNotes.all(paths()))
                .singleElement()
                .satisfies(all -> assertThat(all.execs()).isEqualTo(Map.of("f", 9)));
    }

    @Test
    void readingWritesNothing() throws Exception {
        assertThat(AdoptedNotes.all(paths())).isEmpty();
        assertThat(notes().isBeingDeleted()).isFalse();
        assertThat(paths().directory()).isEmptyDirectory();
    }

    /** Adopted again: what the first object still has to say is of no use. */
    @Test
    void oneThatWasReplacedWritesNoMore() {
        var first = notes();
        first.started("e", 8);
        first.replaced();
        var second = notes();
        second.started("f", 9);
        first.over();
        assertThat(notes().execs()).isEqualTo(Map.of("e", 8, "f", 9));
    }

    /** A rollback has removed it. */
    @Test
    void withoutTheBridgesDirectoryNothingIsWritten() throws Exception {
        var notes = notes();
        Files.delete(paths().directory());
        notes.started("e", 8);
        assertThat(paths().directory()).doesNotExist();
        assertThat(notes.execs()).isEqualTo(Map.of("e", 8));
    }

    /** Another container of the id has other processes. */
    @Test
    void theyAreOfOneContainerAndNotOfItsId() {
        var other = new AdoptedRecord(
                "ns",
                "c",
                RECORD.v1Bundle(),
                RECORD.v1Work(),
                RECORD.shim(),
                new ProcessId(7, 2),
                "unix:///s",
                "runc",
                Path.of("/runc"));
        notes().started("e", 8);
        assertThat(AdoptedNotes.of(paths(), other).execs()).isEmpty();
    }

    @Test
    void aDeletionIsKeptWithWhatIsKnownOfIt() throws Exception {
        var notes = notes();
        notes.deleting((Exit) null);
        assertThat(notes().isBeingDeleted()).isTrue();
        assertThat(notes().exit()).isNull();
        var exit = new Exit(7, -1, Instant.ofEpochSecond(3, 5));
        notes.deleting(exit);
        notes.setDeleted();
        notes.deleting((Exit) null);
        assertThat(notes().exit()).isEqualTo(exit);
        assertThat(notes().isDeleted()).isTrue();
        notes.notDeleted();
        assertThat(notes().isBeingDeleted()).isFalse();
        assertThat(notes().isDeleted()).isFalse();
    }

    @Test
    void theyGoWhenNothingIsHeldBackAnyMore() {
        var notes = notes();
        notes.held(List.of(HeldEvents.newBuilder().setDaemon("d").build()), null);
        notes.over();
        assertThat(notes().held()).hasSize(1);
        notes.held(List.of(), null);
        assertThat(notes.file()).doesNotExist();
        notes.daemon("another");
        assertThat(notes.file()).as("it is over").doesNotExist();
    }

    @Test
    void anOlderCountIsNoNews() throws Exception {
        var notes = notes();
        notes.ooms(2);
        notes.ooms(1);
        assertThat(notes.ooms()).isEqualTo(2);
        assertThat(notes().ooms()).isEqualTo(2);
    }
}
