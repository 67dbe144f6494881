package dev.jshim.shim.oci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Any;
import com.google.protobuf.Message;
import dev.jshim.linux.Processes;
import dev.jshim.proto.v1.types.Status;
import dev.jshim.proto.v2.runc.CheckpointOptions;
import dev.jshim.proto.v2.task2.CheckpointTaskRequest;
import dev.jshim.proto.v2.task2.PauseRequest;
import dev.jshim.shim.EventLog;
import dev.jshim.shim.FakeContainer;
import dev.jshim.shim.FakeRuntime;
import dev.jshim.shim.ShimProcess;
import dev.jshim.shim.Until;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Checkpoint, restore and Update with a script in the place of the OCI runtime. */
@Timeout(60)
class CheckpointTest {
    private static final String LASTING = "exec sleep 100";

    @TempDir
    static Path folder;

    static EventLog events;
    static FakeRuntime runtime;
    static ShimProcess shim;

    @BeforeAll
    static void startShim() throws Exception {
        var containerd = folder.resolve("containerd.sock");
        events = new EventLog(folder.resolve("containerd.sock.ttrpc"));
        runtime = new FakeRuntime(folder);
        shim = ShimProcess.start(FakeContainer.bundle(folder, "first", "{}"), "first", containerd);
    }

    @AfterAll
    static void endShim() throws Exception {
        shim.close();
        events.close();
    }

    private static FakeContainer container(String id, String init) throws Exception {
        return FakeContainer.of(shim, runtime, folder, id, init);
    }

    private static FakeContainer running(String id) throws Exception {
        var container = container(id, LASTING);
        container.create();
        container.start();
        return container;
    }

    private static void checkpoint(FakeContainer container, Any options) throws Exception {
        var _ = shim.task()
                .checkpoint(CheckpointTaskRequest.newBuilder()
                        .setId(container.id())
                        .setPath("/img")
                        .setOptions(options)
                        .build());
    }

    private static Any any(String type, Message options) {
        return Any.newBuilder()
                .setTypeUrl(type)
                .setValue(options.toByteString())
                .build();
    }

    private static void end(FakeContainer container) throws Exception {
        container.kill(9);
        assertThat(container.await("")).isEqualTo(137);
        container.delete();
    }

    @Test
    void aCheckpointLeavesTheContainerRunningAndItsWorkFolderGoes() throws Exception {
        var box = running("plain");
        checkpoint(box, Any.getDefaultInstance());

        var work = box.bundle().resolve("work/criu-work");
        assertThat(runtime.commandLines("checkpoint", "plain").getFirst())
                .endsWith("checkpoint --image-path /img --work-path " + work + " --leave-running plain");
        assertThat(work).doesNotExist();
        events.await("plain", "checkpointed /img");
        end(box);
    }

    @Test
    void isRefusedIfTheContainerIsNeverCheckpointed() throws Exception {
        var box = container("undumped", LASTING);
        var _ = shim.task()
                .create(box.request()
                        .setOptions(runtime.options("NeverCheckpointed", true))
                        .build());
        box.start();
        assertThatThrownBy(() -> checkpoint(box, Any.getDefaultInstance()))
                .hasMessageContaining("was created with NeverCheckpointed = true");
        assertThat(runtime.commandLines("checkpoint", "undumped")).isEmpty();
        end(box);
    }

    @Test
    void optionsOfBothApisMeanTheSame() throws Exception {
        var box = running("flags");
        checkpoint(
                box,
                any(
                        "containerd.runc.v1.CheckpointOptions",
                        CheckpointOptions.newBuilder()
                                .setExit(true)
                                .setOpenTcp(true)
                                .setExternalUnixSockets(true)
                                .setTerminal(true)
                                .setFileLocks(true)
                                .addEmptyNamespaces("network")
                                .setCgroupsMode("soft")
                                .setImagePath("/not-this")
                                .setWorkPath("/tmp")
                                .build()));
        checkpoint(
                box,
                any(
                        "containerd.linux.runc.CheckpointOptions",
                        dev.jshim.proto.v1.runc.CheckpointOptions.newBuilder()
                                .setExit(true)
                                .setOpenTcp(true)
                                .setExternalUnixSockets(true)
                                .setTerminal(true)
                                .setFileLocks(true)
                                .addEmptyNamespaces("network")
                                .setCgroupsMode("soft")
                                .setImagePath("/not-this")
                                .setWorkPath("/tmp")
                                .build()));

        var lines = runtime.commandLines("checkpoint", "flags");
        assertThat(lines)
                .hasSize(2)
                .allSatisfy(line -> assertThat(line)
                        .endsWith(
                                "checkpoint --image-path /img --work-path /tmp --tcp-established --ext-unix-sk --shell-job"
                                        + " --file-locks --manage-cgroups-mode soft --empty-ns network flags"));
        end(box);
    }

    @Test
    void theImageBeforeIsNamed() throws Exception {
        var box = running("parent");
        checkpoint(
                box,
                any(
                        "containerd.runc.v1.CheckpointOptions",
                        CheckpointOptions.newBuilder()
                                .setWorkPath("/tmp")
                                .setParentPath("../before")
                                .build()));
        assertThat(runtime.commandLines("checkpoint", "parent").getFirst())
                .endsWith(
                        "checkpoint --image-path /img --work-path /tmp --parent-path ../before --leave-running parent");
        end(box);
    }

    @Test
    void optionsOfAnotherTypeAreRefused() throws Exception {
        var box = running("type");
        assertThatThrownBy(() -> checkpoint(box, any("some.Options", CheckpointOptions.getDefaultInstance())))
                .hasMessageStartingWith("INVALID_ARGUMENT: checkpoint options of type some.Options are not known");
        end(box);
    }

    @Test
    void aFailureTellsWhatCriuSaidAndKeepsItsLog() throws Exception {
        var box = running("broken");
        runtime.on("checkpoint", "broken", """
                work=$(cd work && pwd)/criu-work
                echo '(00.1) fine' >$work/dump.log
                echo '(00.2) Error (criu/a.c:1): first' >>$work/dump.log
                echo '(00.3) Error (criu/b.c:2): second' >>$work/dump.log
                fail 'criu failed: type DUMP errno 0\\\\nlog file: elsewhere'
                """);
        var log = box.bundle().resolve("criu-dump.log");
        assertThatThrownBy(() -> checkpoint(box, Any.getDefaultInstance()))
                .hasMessage("UNKNOWN: OCI runtime checkpoint failed: criu failed: type DUMP errno 0:"
                        + " Error (criu/a.c:1): first path= " + log);
        assertThat(Files.readString(log)).contains("second");
        assertThat(box.bundle().resolve("work/criu-work")).doesNotExist();
        assertThat(box.state().getStatus()).isEqualTo(Status.RUNNING);
        end(box);
    }

    @Test
    void aCheckpointThatHangsIsEndedWithAllThatItStarted() throws Exception {
        var box = container("hangs", LASTING);
        var _ = shim.task()
                .create(box.request()
                        .setOptions(runtime.options("CriuTimeout", 1))
                        .build());
        box.start();
        var criu = box.bundle().resolve("criu.pid");
        // As runc and its CRIU: the one waits for the other, which has frozen the container.
        runtime.on("checkpoint", "hangs", "sh -c 'echo $$ >" + criu + "; exec sleep 1000' & wait");
        runtime.on("state", "hangs", "echo '{\"status\":\"paused\"}'; exit");

        assertThatThrownBy(() -> checkpoint(box, Any.getDefaultInstance()))
                .hasMessage("DEADLINE_EXCEEDED: " + runtime.binary()
                        + " checkpoint did not end within 1 s and was killed, together with its children");
        assertThat(Processes.exists(Integer.parseInt(Files.readString(criu).strip())))
                .isFalse();
        assertThat(runtime.calls("hangs")).endsWith("checkpoint hangs", "state hangs", "resume hangs");
        assertThat(box.state().getStatus()).isEqualTo(Status.RUNNING);
        end(box);
    }

    @Test
    void aFailedCheckpointLeavesAPausedContainerPaused() throws Exception {
        var box = running("paused");
        var _ = shim.task().pause(PauseRequest.newBuilder().setId("paused").build());
        runtime.on("checkpoint", "paused", "kill -9 $$");
        runtime.on("state", "paused", "echo '{\"status\":\"running\"}'; exit");
        assertThatThrownBy(() -> checkpoint(box, Any.getDefaultInstance()))
                .hasMessage("UNKNOWN: OCI runtime checkpoint failed: killed by signal 9");
        assertThat(runtime.calls("paused"))
                .endsWith("pause paused", "checkpoint paused", "state paused", "pause paused");
        assertThat(box.state().getStatus()).isEqualTo(Status.PAUSED);

        // What cannot be paused again runs, and is said to.
        runtime.on("pause", "paused", "fail no");
        assertThatThrownBy(() -> checkpoint(box, Any.getDefaultInstance())).hasMessageStartingWith("UNKNOWN: ");
        assertThat(box.state().getStatus()).isEqualTo(Status.RUNNING);
        end(box);
    }

    @Test
    void aContainerThatAFailedCheckpointKillsIsToldToHaveEnded() throws Exception {
        var box = running("killed");
        runtime.on("checkpoint", "killed", "kill -9 $(cat $dir/pid); fail 'Unable to detach: No such process'");
        runtime.on("state", "killed", "echo '{\"status\":\"stopped\"}'; exit");
        assertThatThrownBy(() -> checkpoint(box, Any.getDefaultInstance()))
                .hasMessage("UNKNOWN: OCI runtime checkpoint failed: Unable to detach: No such process");
        assertThat(box.await("")).isEqualTo(137);
        assertThat(box.state().getStatus()).isEqualTo(Status.STOPPED);
        box.delete();
        assertThat(events.await("killed", "delete")).containsExactly("create", "start", "exit killed 137", "delete");
    }

    @Test
    void aContainerThatDoesNotRunHasNoCheckpoint() throws Exception {
        var box = container("created", LASTING);
        box.create();
        assertThatThrownBy(() -> checkpoint(box, Any.getDefaultInstance()))
                .hasMessage("UNKNOWN: cannot checkpoint a task in created state");
        box.start();
        box.kill(9);
        box.await("");
        assertThatThrownBy(() -> checkpoint(box, Any.getDefaultInstance()))
                .hasMessage("UNKNOWN: cannot checkpoint a stopped container");
        box.delete();
    }

    @Test
    void aRestoredContainerRunsFromItsStartOn() throws Exception {
        var box = container("back", "echo again; exec sleep 100");
        var out = box.fifo("out");
        var created = shim.task()
                .create(box.request()
                        .setCheckpoint("/img")
                        .setStdout(out.toString())
                        .build());
        assertThat(created.getPid()).isZero();
        assertThat(box.state().getStatus()).isEqualTo(Status.CREATED);
        assertThat(runtime.commandLines("create", "back")).isEmpty();
        assertThatThrownBy(() -> box.exec("early", "true")).hasMessage("UNKNOWN: cannot exec in a created state");
        assertThatThrownBy(() -> box.kill(9)).hasMessage("NOT_FOUND: no such container");

        var pid = box.start();
        assertThat(pid).isPositive();
        var bundle = box.bundle();
        assertThat(runtime.commandLines("restore", "back").getFirst())
                .endsWith("restore --image-path /img --work-path " + bundle.resolve("work")
                        + " --detach --pid-file " + bundle.resolve("init.pid") + " --bundle " + bundle
                        + " back");
        assertThat(box.state().getPid()).isEqualTo(pid);
        assertThat(box.state().getStatus()).isEqualTo(Status.RUNNING);
        try (var lines = Files.newBufferedReader(out)) {
            assertThat(lines.readLine()).isEqualTo("again");
        }
        box.exec("late", "exit 4");
        box.start("late");
        assertThat(box.await("late")).isEqualTo(4);

        end(box);
        assertThat(events.await("back", "delete")).startsWith("create", "start").endsWith("exit back 137", "delete");
    }

    @Test
    void aRestoreThatFailsMayBeTriedAgainOrDeleted() throws Exception {
        var box = container("twice", LASTING);
        runtime.on("restore", "twice", "mkdir -p $dir; fail 'criu failed: type RESTORE errno 3'");
        var _ = shim.task().create(box.request().setCheckpoint("/img").build());
        assertThatThrownBy(box::start)
                .hasMessage("UNKNOWN: OCI runtime restore failed: criu failed: type RESTORE errno 3");
        assertThat(box.state().getStatus()).isEqualTo(Status.CREATED);
        assertThat(runtime.state("twice")).doesNotExist();

        runtime.on("restore", "twice", ":");
        assertThat(box.start()).isPositive();
        end(box);
    }

    @Test
    void aContainerThatWasNeverRestoredIsDeletedAtOnce() throws Exception {
        var box = container("never", LASTING);
        var _ = shim.task().create(box.request().setCheckpoint("/img").build());
        var begin = System.nanoTime();
        var deleted = box.delete();
        // An exit that never comes is waited for as long as this.
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(5));
        assertThat(deleted.getPid()).isZero();
        assertThat(deleted.getExitStatus()).isZero();
        assertThat(events.await("never", "delete")).containsExactly("create", "delete");
    }

    @Test
    void aRestoredContainerThatEndsAtOnceIsNotMissed() throws Exception {
        for (var i = 0; i < 5; i++) {
            var box = container("quick" + i, "exit 6");
            var _ = shim.task().create(box.request().setCheckpoint("/img").build());
            box.start();
            assertThat(box.await("")).isEqualTo(6);
            box.delete();
            Until.holds("events", () -> events.of(box.id()).size() == 4);
            assertThat(events.of(box.id())).containsExactly("create", "start", "exit " + box.id() + " 6", "delete");
        }
    }
}
