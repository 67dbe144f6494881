package dev.jshim.shim.oci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import dev.jshim.linux.Processes;
import dev.jshim.proto.v1.types.Status;
import dev.jshim.proto.v2.task2.CloseIORequest;
import dev.jshim.proto.v2.task2.DeleteResponse;
import dev.jshim.proto.v2.task2.PauseRequest;
import dev.jshim.proto.v2.task2.ResizePtyRequest;
import dev.jshim.proto.v2.task2.ResumeRequest;
import dev.jshim.shim.FakeContainer;
import dev.jshim.shim.FifoClient;
import dev.jshim.shim.Until;
import io.grpc.Status.Code;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The life of containers and execs, and what their clients are told of it. */
class OciTaskTest extends WithFakeRuntime {
    @Test
    void livesAndDies() throws Exception {
        var box = container("life", "exec sleep 100");
        var pid = box.create();
        assertThat(box.state().getStatus()).isEqualTo(Status.CREATED);
        assertThat(box.start()).isEqualTo(pid);
        assertThat(box.state().getStatus()).isEqualTo(Status.RUNNING);
        assertThat(box.state().getPid()).isEqualTo(pid);
        box.kill(15);
        assertThat(box.await("")).isEqualTo(128 + 15);
        var state = box.state();
        assertThat(state.getStatus()).isEqualTo(Status.STOPPED);
        assertThat(state.getExitStatus()).isEqualTo(128 + 15);
        assertThat(state.getExitedAt().getSeconds()).isPositive();
        var deleted = box.delete();
        assertThat(deleted.getPid()).isEqualTo(pid);
        assertThat(deleted.getExitStatus()).isEqualTo(128 + 15);
        assertThat(events.await("life", "delete")).containsExactly("create", "start", "exit life 143", "delete");
        assertFails(Code.NOT_FOUND, "life", box::state);
        assertThat(runtime.calls("life")).containsExactly("create life", "start life", "kill life 15", "delete life");
    }

    @Test
    void leavesWhatDeleteNeeds() throws Exception {
        var box = running("files", "exit 3");
        var pid = box.state().getPid();
        assertThat(box.await("")).isEqualTo(3);
        assertThat(box.bundle().resolve("runtime")).hasContent(runtime.binary() + "\n");
        assertThat(box.bundle().resolve("runtime-root"))
                .hasContent(runtime.state("files").getParent() + "\n");
        assertThat(Files.readString(box.bundle().resolve("init.pid")).strip()).isEqualTo(Integer.toString(pid));
        assertThat(box.bundle().resolve("shim.pid")).hasContent(Long.toString(shim.pid()));
        var exit = DeleteResponse.parseFrom(Files.readAllBytes(box.bundle().resolve("exit.pb")));
        assertThat(exit).isEqualTo(box.delete());
        try (var left = Files.list(box.bundle())) {
            assertThat(left.map(file -> file.getFileName().toString()))
                    .as("nothing that tells `delete` to clean up again")
                    .containsExactlyInAnyOrder("config.json", "init.sh", "init.pid", "shim.pid", "exit.pb");
        }
    }

    @Test
    void missesNoExitOfAProcessThatEndsAtOnce() throws Exception {
        for (var i = 0; i < 100; i++) {
            var box = running("fast" + i, "exit 7");
            assertThat(box.await("")).isEqualTo(7);
            box.delete();
            assertThat(events.await(box.id(), "delete"))
                    .containsExactly("create", "start", "exit " + box.id() + " 7", "delete");
        }
    }

    @Test
    void missesNoExitOfAnExecThatEndsAtOnce() throws Exception {
        var box = running("fastexec", LASTING);
        for (var i = 0; i < 100; i++) {
            var exec = "e" + i;
            box.exec(exec, "exit " + i);
            box.start(exec);
            assertThat(box.await(exec)).isEqualTo(i);
            assertThat(box.delete(exec).getExitStatus()).isEqualTo(i);
            assertThat(events.await("fastexec", "exit " + exec + " " + i).stream()
                            .filter(event -> event.contains(" " + exec)))
                    .containsExactly("exec-added " + exec, "exec-started " + exec, "exit " + exec + " " + i);
        }
        end(box);
    }

    /** While the streams of the output are opened, one after the other, its client may have said all. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void anExecWhoseInputIsOverBeforeItRunsSeesTheEnd(boolean isStarting) throws Exception {
        var box = running("input" + isStarting, LASTING);
        var in = box.fifo("in");
        var out = box.fifo("out");
        var _ = shim.task()
                .exec(box.execRequest("e", "cat >/dev/null; exit 6")
                        .setStdin(in.toString())
                        .setStdout(out.toString())
                        .build());
        CompletableFuture<Void> start = isStarting ? async(() -> box.start("e")) : null;
        if (start != null) {
            Until.holds("its input is open", () -> descriptors().contains(in.toString()));
        }
        var _ = shim.task()
                .closeIO(CloseIORequest.newBuilder()
                        .setId(box.id())
                        .setExecId("e")
                        .setStdin(true)
                        .build());
        try (var reader = FileCalls.open(out, OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK, 0)) {
            if (start == null) {
                box.start("e");
            } else {
                start.get(20, TimeUnit.SECONDS);
            }
            assertThat(box.await("e")).isEqualTo(6);
            assertThat(reader.isOpen()).isTrue();
        }
        box.delete("e");
        end(box);
    }

    /** Of a client that gave up waiting for its start: it would not come again. */
    @Test
    void aKillOfAnExecThatIsBeingStartedReachesIt() throws Exception {
        var box = running("killstart", LASTING);
        runtime.on("exec", "killstart", "read _ <" + box.fifo("gate"));
        box.exec("e", LASTING);
        var starting = async(() -> box.start("e"));
        Until.holds("exec is called", () -> runtime.calls("killstart").contains("exec killstart"));
        var killing = async(() -> {
            box.kill("e", 9);
            return 0;
        });
        Thread.sleep(100);
        assertThat(killing).isNotDone();

        Files.writeString(box.bundle().resolve("gate"), "go\n");

        starting.get(20, TimeUnit.SECONDS);
        killing.get(20, TimeUnit.SECONDS);
        assertThat(box.await("e")).isEqualTo(137);
        box.delete("e");
        end(box);
    }

    @Test
    void aResumeWaitsForThePauseBeforeIt() throws Exception {
        var box = running("pausing", LASTING);
        runtime.on("pause", "pausing", "read _ <" + box.fifo("gate"));
        var pausing = async(() ->
                shim.task().pause(PauseRequest.newBuilder().setId("pausing").build()));
        Until.holds("pause is called", () -> runtime.calls("pausing").contains("pause pausing"));
        assertThat(box.state().getStatus()).isEqualTo(Status.PAUSING);
        var resuming = async(() ->
                shim.task().resume(ResumeRequest.newBuilder().setId("pausing").build()));
        Thread.sleep(100);
        assertThat(runtime.calls("pausing")).doesNotContain("resume pausing");

        Files.writeString(box.bundle().resolve("gate"), "go\n");

        pausing.get(20, TimeUnit.SECONDS);
        resuming.get(20, TimeUnit.SECONDS);
        assertThat(runtime.calls("pausing")).endsWith("pause pausing", "resume pausing");
        assertThat(box.state().getStatus()).isEqualTo(Status.RUNNING);
        end(box);
    }

    /** A daemon that has given up may have taken the bundle away, in which the runtime is called and logs. */
    @Test
    void isDeletedAlsoWithoutItsBundle() throws Exception {
        var box = container("nobundle", LASTING);
        box.create();
        try (var files = Files.walk(box.bundle())) {
            for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
        assertThat(box.delete().getExitStatus()).isEqualTo(137);
        assertThat(runtime.state("nobundle")).doesNotExist();
        assertThat(Path.of("/dev/null")).exists();
    }

    @Test
    void announcesTheExitOfInitAfterThoseOfItsExecs() throws Exception {
        for (var i = 0; i < 20; i++) {
            var id = "order" + i;
            var box = container(id, LASTING);
            box.create();
            box.start();
            box.exec("side", LASTING);
            var exec = box.start("side");
            box.kill(9);
            Until.holds("init reaped", () -> Processes.stat(box.state().getPid()) == null);
            assertThat(box.state().getStatus()).isEqualTo(Status.RUNNING);
            Processes.kill(exec, 9);
            assertThat(box.await("")).isEqualTo(137);
            box.delete();
            assertThat(events.await(id, "delete")).endsWith("exit side 137", "exit " + id + " 137", "delete");
        }
    }

    @Test
    void deleteIsAnnouncedAfterTheExitAlsoWhenStateWasAsked() throws Exception {
        for (var i = 0; i < 20; i++) {
            var id = "polled" + i;
            var box = running(id, "exit 4");
            Until.holds("stopped", () -> box.state().getStatus() == Status.STOPPED);
            assertThat(box.state().getExitStatus()).isEqualTo(4);
            box.delete();
            assertThat(events.await(id, "delete")).endsWith("exit " + id + " 4", "delete");
        }
    }

    private static FakeContainer inSharedPids(String id, String init) throws Exception {
        var box = container(id, init);
        Files.writeString(box.bundle().resolve("config.json"), SHARED_PIDS);
        return box;
    }

    @Test
    void killsWhatOutlivesInitInASharedPidNamespace() throws Exception {
        var box = inSharedPids("shared", "exit 0");
        box.create();
        box.start();
        assertThat(box.await("")).isZero();
        assertThat(runtime.calls("shared")).containsExactly("create shared", "start shared", "kill shared 9");
        box.delete();
    }

    /** Whoever hears that a container has ended takes all of it for ended. */
    @Test
    void theExitOfInitIsToldAfterTheRestIsKilled() throws Exception {
        var box = inSharedPids("rest", LASTING);
        var pid = box.create();
        box.start();
        box.exec("e", LASTING);
        box.start("e");
        var go = folder.resolve("go");
        runtime.on("kill", "rest", "until [ -e " + go + " ]; do sleep 0.02; done");
        var told = async(() -> box.await(""));

        Processes.kill(pid, Processes.SIGKILL);
        Until.holds("the rest is being killed", () -> runtime.calls("rest").contains("kill rest 9"));
        box.kill("e", 9);
        assertThat(box.await("e")).isEqualTo(137);

        assertThatThrownBy(() -> told.get(300, TimeUnit.MILLISECONDS)).isInstanceOf(TimeoutException.class);
        Files.createFile(go);
        told.get(30, TimeUnit.SECONDS);
        box.delete();
    }

    /** The first kill of the rest was before it was there, and what it has started is nobody's exec. */
    @Test
    void whatIsStartedWhileInitEndsIsKilledToo() throws Exception {
        var box = inSharedPids("meanwhile", LASTING);
        var pid = box.create();
        box.start();
        box.exec("e", LASTING);
        var go = folder.resolve("meanwhile.go");
        runtime.on("exec", "meanwhile", "until [ -e " + go + " ]; do sleep 0.02; done; alive() { :; }");
        var started = async(() -> box.start("e"));
        Until.holds("it is being started", () -> runtime.calls("meanwhile").contains("exec meanwhile"));

        Processes.kill(pid, Processes.SIGKILL);
        Until.holds("the rest is killed", () -> runtime.calls("meanwhile").contains("kill meanwhile 9"));
        Files.createFile(go);
        started.get(30, TimeUnit.SECONDS);
        assertThat(box.await("")).isEqualTo(137);
        assertThat(box.await("e")).isEqualTo(137);
        assertThat(runtime.calls("meanwhile"))
                .containsExactly(
                        "create meanwhile",
                        "start meanwhile",
                        "exec meanwhile",
                        "kill meanwhile 9",
                        "kill meanwhile 9");
        box.delete();
    }

    @Test
    void refusesAnExecOnceInitIsDead() throws Exception {
        var box = running("late", LASTING);
        box.exec("e", "exit 0");
        box.kill(9);
        assertThat(box.await("")).isEqualTo(137);
        assertFails(Code.FAILED_PRECONDITION, "init process is not running", () -> box.start("e"));
        assertFails(Code.UNKNOWN, "cannot exec in a stopped state", () -> box.exec("f", "exit 0"));
        var waiting = async(() -> box.await("e"));
        box.delete("e");
        // Told that it never ran, or, where the deletion was faster, that it is not there.
        waiting.handle((_, _) -> 0).get(60, TimeUnit.SECONDS);
        box.delete();
    }

    private static Object resize(String id, String execId) throws Exception {
        return shim.task()
                .resizePty(ResizePtyRequest.newBuilder()
                        .setId(id)
                        .setExecId(execId)
                        .setWidth(80)
                        .setHeight(25)
                        .build());
    }

    @Test
    void refusesWhatItsStateDoesNotAllow() throws Exception {
        var box = container("states", LASTING);
        box.create();
        assertFails(
                Code.UNKNOWN,
                "cannot pause task in created state",
                () -> shim.task()
                        .pause(PauseRequest.newBuilder().setId("states").build()));
        box.start();
        assertFails(Code.UNKNOWN, "cannot start a running process", box::start);
        assertFails(Code.UNKNOWN, "cannot delete a running process", box::delete);
        assertFails(
                Code.UNKNOWN,
                "cannot resume a running process",
                () -> shim.task()
                        .resume(ResumeRequest.newBuilder().setId("states").build()));
        box.exec("e", LASTING);
        assertFails(Code.ALREADY_EXISTS, "id e: already exists", () -> box.exec("e", LASTING));
        assertFails(Code.INVALID_ARGUMENT, "the container's own id", () -> box.exec("states", LASTING));
        assertFails(Code.INVALID_ARGUMENT, "not valid", () -> box.exec("../e", LASTING));
        assertFails(Code.NOT_FOUND, "does not exist", () -> box.start("unknown"));
        assertFails(Code.FAILED_PRECONDITION, "process not created", () -> box.kill("e", 9));
        box.start("e");
        assertFails(Code.UNKNOWN, "cannot start a running process", () -> box.start("e"));
        assertFails(Code.UNKNOWN, "cannot delete a running process", () -> box.delete("e"));
        box.kill("e", 9);
        assertThat(box.await("e")).isEqualTo(137);
        assertFails(Code.NOT_FOUND, "process already finished", () -> box.kill("e", 9));
        resize("states", "e"); // A client that gives a terminal its size cannot know that the process has ended.
        assertThat(box.delete("e").getExitStatus()).isEqualTo(137);
        assertFails(Code.NOT_FOUND, "does not exist", () -> box.delete("e"));
        box.exec("e", "exit 3"); // Its id is free again.
        box.start("e");
        assertThat(box.await("e")).isEqualTo(3);
        box.delete("e");
        var broken = box.execRequest("e", "")
                .setSpec(Any.newBuilder().setValue(ByteString.copyFromUtf8("no JSON")))
                .build();
        assertFails(
                Code.INVALID_ARGUMENT, "not a JSON object", () -> shim.task().exec(broken));
        assertFails(Code.NOT_FOUND, "does not exist", () -> box.start("e"));
        var _ = shim.task().pause(PauseRequest.newBuilder().setId("states").build());
        assertThat(box.state().getStatus()).isEqualTo(Status.PAUSED);
        assertFails(Code.UNKNOWN, "cannot exec in a paused state", () -> box.exec("g", LASTING));
        var _ = shim.task().resume(ResumeRequest.newBuilder().setId("states").build());
        box.kill(9);
        assertThat(box.await("")).isEqualTo(137);
        assertFails(Code.NOT_FOUND, "process already finished", () -> box.kill(9));
        box.delete();
        assertFails(Code.NOT_FOUND, "states", box::delete);
    }

    @Test
    void deletesAContainerThatWasNeverStarted() throws Exception {
        var box = container("unstarted", LASTING);
        var pid = box.create();
        var deleted = box.delete();
        assertThat(deleted.getPid()).isEqualTo(pid);
        assertThat(deleted.getExitStatus()).isEqualTo(137);
        assertThat(Processes.stat(pid)).isNull();
        assertThat(events.await("unstarted", "delete")).containsExactly("create", "exit unstarted 137", "delete");
    }

    @Test
    void oneOfTwoDeletesAtOnceFindsNothing() throws Exception {
        var box = running("twice", "exit 0");
        box.await("");
        runtime.on("delete", "twice", "read _ <" + box.fifo("gate"));
        var calls = IntStream.range(0, 2).mapToObj(_ -> async(box::delete)).toList();
        Until.holds("delete is called", () -> runtime.calls("twice").contains("delete twice"));
        Files.writeString(box.bundle().resolve("gate"), "go\n");
        var failures = calls.stream()
                .map(call -> call.handle((_, failure) -> failure == null
                                ? "deleted"
                                : io.grpc.Status.fromThrowable(failure)
                                        .getCode()
                                        .toString())
                        .orTimeout(20, TimeUnit.SECONDS)
                        .join())
                .toList();
        assertThat(failures).containsExactlyInAnyOrder("deleted", "NOT_FOUND");
        events.await("twice", "delete");
        assertThat(events.of("twice")).containsOnlyOnce("delete");
    }

    @Test
    void aStartIsNotCutShortByADelete() throws Exception {
        var box = container("starting", LASTING);
        box.create();
        var gate = box.fifo("gate");
        runtime.on("start", "starting", "read _ <" + gate);
        var starting = async(box::start);
        Until.holds("start is called", () -> runtime.calls("starting").contains("start starting"));
        assertFails(Code.UNKNOWN, "cannot delete", box::delete);
        Files.writeString(gate, "go\n");
        starting.get(60, TimeUnit.SECONDS);
        end(box);
        assertThat(events.await("starting", "delete"))
                .containsExactly("create", "start", "exit starting 137", "delete");
    }

    @Test
    void theClientSeesTheEndOfOutputBeforeDelete() throws Exception {
        var box = container("output", "echo out; echo err >&2");
        var out = box.fifo("out");
        var err = box.fifo("err");
        var outClient = FifoClient.open(out);
        var errClient = FifoClient.open(err);
        var _ = shim.task()
                .create(box.request()
                        .setStdout(out.toString())
                        .setStderr(err.toString())
                        .build());
        var reading = async(() -> {
            assertThat(FifoClient.text(outClient)).isEqualTo("out\n");
            return null;
        });
        var readingErrors = async(() -> {
            assertThat(FifoClient.text(errClient)).isEqualTo("err\n");
            return null;
        });
        box.start();
        reading.get(60, TimeUnit.SECONDS);
        readingErrors.get(60, TimeUnit.SECONDS);
        box.await("");
        box.delete();
    }
}
