package dev.jshim.shim.oci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import dev.jshim.proto.v1.types.Mount;
import dev.jshim.proto.v2.notes.ProcessNote;
import dev.jshim.task.CreateRequest;
import dev.jshim.task.Exit;
import dev.jshim.task.Stdio;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TaskNotesTest {
    private static final CreateRequest REQUEST = new CreateRequest(
            "box",
            Path.of("/bundle"),
            List.of(Mount.newBuilder().setType("bind").setSource("/from").build()),
            new Stdio("/in", "/out", "", true),
            "/checkpoint",
            "",
            Any.newBuilder()
                    .setTypeUrl("options")
                    .setValue(ByteString.copyFromUtf8("text"))
                    .build());
    private static final Exit EXIT = new Exit(12, 137, Instant.parse("2026-01-02T03:04:05.000000006Z"));

    @TempDir
    Path folder;

    @Test
    void whatWasNotedIsThereForTheNextProcess() throws Exception {
        var notes = TaskNotes.in(folder).of("box");
        notes.begin(REQUEST);
        ProcessFile.ofInit(notes).write(ProcessNote.newBuilder().setPid(12).build());
        ProcessFile.ofExec(notes, "e").write(ProcessNote.newBuilder().setPid(13).build());

        var all = TaskNotes.in(folder).all();
        assertThat(all).hasSize(1);
        var read = all.getFirst();
        assertThat(read.id()).isEqualTo("box");
        assertThat(read.request()).isEqualTo(REQUEST);
        assertThat(read.readInit())
                .isEqualTo(ProcessNote.newBuilder().setPid(12).build());
        assertThat(read.readExecs().keySet()).containsExactly("e");
        assertThat(read.deletedAt()).isNull();
    }

    /** As on a full tmpfs: without its first notes the next process would take a running container for half made. */
    @Test
    void whatCannotBeNotedIsNotBegun() throws Exception {
        var file = Files.createFile(folder.resolve("file"));
        var nowhere = TaskNotes.in(file).of("box");
        assertThatThrownBy(() -> nowhere.begin(REQUEST))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("make room");

        var notes = TaskNotes.in(folder).of("box");
        notes.begin(REQUEST);
        assertThatThrownBy(notes::requireInit).isInstanceOf(IOException.class).hasMessageContaining("make room");
        ProcessFile.ofInit(notes).write(ProcessNote.getDefaultInstance());
        notes.requireInit();
        TaskNotes.NONE.of("box").requireInit();
    }

    @Test
    void aContainerThatIsBeingCreatedHasNoInit() throws Exception {
        TaskNotes.in(folder).of("box").begin(REQUEST);
        assertThat(TaskNotes.in(folder).of("box").readInit()).isNull();
    }

    @Test
    void ofADeletedContainerItsExitIsKnown() throws Exception {
        var notes = TaskNotes.in(folder).of("box");
        notes.begin(REQUEST);
        ProcessFile.ofInit(notes).write(ProcessNote.getDefaultInstance());
        notes.gone(EXIT);
        assertThat(notes.readGone("")).isEqualTo(EXIT);
        assertThat(notes.readInit()).isNull();
        assertThat(notes.deletedAt()).isNotNull();

        notes.begin(REQUEST);
        assertThat(notes.readGone("")).as("there is another one by that id").isNull();
        assertThat(notes.deletedAt()).isNull();
    }

    @Test
    void ofADeletedExecItsExitIsKnown() throws Exception {
        var notes = TaskNotes.in(folder).of("box");
        notes.begin(REQUEST);
        var exec = ProcessFile.ofExec(notes, "e");
        exec.write(ProcessNote.getDefaultInstance());
        notes.gone("e", EXIT);
        exec.end();
        exec.write(ProcessNote.getDefaultInstance());
        assertThat(notes.readExecs()).as("one that has ended writes no more").isEmpty();
        assertThat(notes.readGone("e")).isEqualTo(EXIT);
        notes.notGone("e");
        assertThat(notes.readGone("e")).isNull();
    }

    @Test
    void onlyTheLastDeletedExecsAreKnown() throws Exception {
        var notes = TaskNotes.in(folder).of("box");
        notes.begin(REQUEST);
        for (var i = 0; i < 100; i++) {
            notes.gone("e" + i, EXIT);
        }
        assertThat(notes.readGone("e99")).isEqualTo(EXIT);
        assertThat(folder.resolve("tasks/box").toFile().list()).hasSizeLessThan(70);
    }

    @Test
    void nothingIsNotedWithoutAFolder() throws Exception {
        var notes = TaskNotes.NONE.of("box");
        notes.begin(REQUEST);
        ProcessFile.ofInit(notes).write(ProcessNote.getDefaultInstance());
        notes.gone(EXIT);
        notes.clear();
        assertThat(notes.readGone("")).isNull();
        assertThat(TaskNotes.NONE.all()).isEmpty();
    }
}
