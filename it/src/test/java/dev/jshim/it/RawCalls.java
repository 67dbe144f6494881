package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import dev.jshim.proto.v2.runc.Options;
import dev.jshim.proto.v2.task2.CheckpointTaskRequest;
import dev.jshim.proto.v2.task2.CloseIORequest;
import dev.jshim.proto.v2.task2.ConnectRequest;
import dev.jshim.proto.v2.task2.CreateTaskRequest;
import dev.jshim.proto.v2.task2.DeleteRequest;
import dev.jshim.proto.v2.task2.ExecProcessRequest;
import dev.jshim.proto.v2.task2.KillRequest;
import dev.jshim.proto.v2.task2.PauseRequest;
import dev.jshim.proto.v2.task2.PidsRequest;
import dev.jshim.proto.v2.task2.ResizePtyRequest;
import dev.jshim.proto.v2.task2.ResumeRequest;
import dev.jshim.proto.v2.task2.ShutdownRequest;
import dev.jshim.proto.v2.task2.StartRequest;
import dev.jshim.proto.v2.task2.StateRequest;
import dev.jshim.proto.v2.task2.StatsRequest;
import dev.jshim.proto.v2.task2.TaskGrpc;
import dev.jshim.proto.v2.task2.UpdateTaskRequest;
import dev.jshim.proto.v2.task2.WaitRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * All calls of the task API to one shim, in each state in which they may come, also where a client has no business to
 * make them. Used by one thread.
 */
final class RawCalls {
    private static final String PROCESS = "types.containerd.io/opencontainers/runtime-spec/1/Process";
    private static final String RESOURCES = "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources";
    private static final int KILL = 9;
    private static final int TERM = 15;
    private static final int CONT = 18;

    private static final Any SLEEP = process("/bin/sleep", "1000");
    private static final Any BROKEN = any("broken.Type", "{ no JSON, and no message");

    private final RawShim shim;
    private final RawTalk talk;
    private final boolean robust;
    private final Path folder;

    /** @param robust whether it may be asked what the Go shim does not survive */
    RawCalls(RawShim shim, Path folder, boolean robust) {
        this.robust = robust;
        this.shim = shim;
        this.folder = folder;
        talk = new RawTalk(shim);
    }

    /** Makes them all, to the shim's end. */
    RawTalk play(RawBundle one) {
        unknown();
        failedCreates();
        created(one);
        running(one);
        execs(one.id());
        paused(one.id());
        exited(one);
        deleted(one);
        neverStarted();
        terminal();
        input();
        twoAtOnce();
        end();
        return talk;
    }

    private void unknown() {
        everyCall("unknown", "nobody");
        kill("unknown", "nobody", "", KILL, false);
        delete("unknown", "nobody", "");
        exec("unknown", "nobody", "e", SLEEP);
    }

    private void failedCreates() {
        create("no bundle", "nothing", folder.resolve("nothing"), CreateTaskRequest.newBuilder());
        var missing = bundle("missing", false, "/bin/nothing-of-that-name");
        create("missing program", missing, CreateTaskRequest.newBuilder());
        state("after a failed create", "missing", "");
        var broken = bundle("broken", false, "/bin/true");
        create("broken options", broken, CreateTaskRequest.newBuilder().setOptions(BROKEN));
        create(
                "options without the right bytes",
                broken,
                CreateTaskRequest.newBuilder().setOptions(any("containerd.runc.v1.Options", "\377\377")));
        create(
                "missing runtime",
                broken,
                CreateTaskRequest.newBuilder()
                        .setOptions(any(
                                "containerd.runc.v1.Options",
                                Options.newBuilder()
                                        .setBinaryName("/bin/nothing-of-that-name")
                                        .build()
                                        .toByteString())));
        state("after broken options", "broken", "");
        create(
                "missing checkpoint",
                broken,
                CreateTaskRequest.newBuilder()
                        .setCheckpoint(folder.resolve("nothing").toString()));
        everyCall("to be restored", "broken");
        exec("to be restored", "broken", "e", SLEEP);
        kill("to be restored", "broken", "", KILL, false);
        start("to be restored", "broken", "");
        state("after a failed restore", "broken", "");
        delete("after a failed restore", "broken", "");
    }

    private void created(RawBundle one) {
        create("new", one, CreateTaskRequest.newBuilder());
        everyCall("created", "one");
        create("created", one, CreateTaskRequest.newBuilder());
        pause("created", "one");
        resume("created", "one");
        exec("created", "one", "early", process("/bin/true"));
        start("exec before init", "one", "early");
        talk.ask("exec before init", TaskGrpc.getWaitMethod(), wait("one", "early"));
        delete("exec before init", "one", "early");
        shutdown("created", "one");
    }

    private void running(RawBundle one) {
        start("created", "one", "");
        everyCall("running", "one");
        start("running", "one", "");
        create("running", one, CreateTaskRequest.newBuilder());
        resume("running", "one");
        delete("running", "one", "");
        kill("running", "one", "", CONT, false);
        kill("running, all", "one", "", CONT, true);
        kill("running, no such signal", "one", "", 200, false);
        shutdown("running", "one");
        talk.ask(
                "running, well",
                TaskGrpc.getUpdateMethod(),
                update("one", any(RESOURCES, "{\"memory\":{\"limit\":94371840}}")));
        talk.ask(
                "running, beyond the kernel",
                TaskGrpc.getUpdateMethod(),
                update("one", any(RESOURCES, "{\"cpu\":{\"cpus\":\"900-901\"}}")));
        talk.askInVain("running", TaskGrpc.getWaitMethod(), wait("one", ""));
    }

    private void execs(String id) {
        exec("empty spec", id, "empty", Any.getDefaultInstance());
        exec("broken spec", id, "broken", BROKEN);
        state("after a broken spec", id, "broken");
        exec("container's id", id, id, process("/bin/true"));
        exec("no id", id, "", process("/bin/true"));
        exec("new", id, "e", SLEEP);
        exec("exec added", id, "e", SLEEP);
        everyExecCall("added", id, "e");
        kill("exec added", id, "e", TERM, false);
        talk.askInVain("exec added", TaskGrpc.getWaitMethod(), wait(id, "e"));
        start("exec added", id, "e");
        everyExecCall("running", id, "e");
        talk.ask(
                "with an exec",
                TaskGrpc.getPidsMethod(),
                PidsRequest.newBuilder().setId(id).build());
        exec("exec running", id, "e", SLEEP);
        if (robust) {
            start("exec running", id, "e"); // The Go shim then dies when init ends.
        }
        delete("exec running", id, "e");
        kill("exec running, no such signal", id, "e", 200, false);
        kill("exec running", id, "e", TERM, false);
        talk.ask("exec running", TaskGrpc.getWaitMethod(), wait(id, "e"));
        everyExecCall("exited", id, "e");
        talk.ask("exec exited", TaskGrpc.getWaitMethod(), wait(id, "e"));
        kill("exec exited", id, "e", TERM, false);
        exec("exec exited", id, "e", SLEEP);
        start("exec exited", id, "e");
        delete("exec exited", id, "e");
        everyExecCall("deleted", id, "e");
        delete("exec deleted", id, "e");
        talk.ask("exec deleted", TaskGrpc.getWaitMethod(), wait(id, "e"));
        kill("exec deleted", id, "e", TERM, false);
        exec("exec deleted", id, "e", process("/bin/false"));
        start("exec again", id, "e");
        talk.ask("exec again", TaskGrpc.getWaitMethod(), wait(id, "e"));
        delete("exec again", id, "e");
        exec("never started", id, "never", SLEEP);
        delete("exec never started", id, "never");
        exec("missing program", id, "missing", process("/bin/nothing-of-that-name"));
        start("exec missing program", id, "missing");
        everyExecCall("failed", id, "missing");
        kill("exec failed", id, "missing", TERM, false);
        talk.ask("exec failed", TaskGrpc.getWaitMethod(), wait(id, "missing"));
        if (robust) {
            start("exec failed, again", id, "missing");
        }
        delete("exec failed", id, "missing");
        state("exec failed and deleted", id, "missing");
        // Those that see init's end.
        exec("before init's end", id, "running", SLEEP);
        start("exec before init's end", id, "running");
        exec("before init's end too", id, "late", SLEEP);
    }

    private void paused(String id) {
        pause("running", id);
        everyCall("paused", id);
        pause("paused", id);
        start("paused", id, "");
        delete("paused", id, "");
        exec("paused", id, "x", SLEEP);
        start("exec while paused", id, "late");
        everyExecCall("paused", id, "running");
        kill("paused", id, "", CONT, false);
        resume("paused", id);
        state("resumed", id, "");
    }

    private void exited(RawBundle one) {
        kill("running, to its end", "one", "", KILL, false);
        talk.ask("to the end", TaskGrpc.getWaitMethod(), wait("one", ""));
        everyCall("exited", "one");
        talk.ask("exited", TaskGrpc.getWaitMethod(), wait("one", ""));
        everyExecCall("ended with init", "one", "running");
        talk.ask("exec ended with init", TaskGrpc.getWaitMethod(), wait("one", "running"));
        start("exited", "one", "");
        create("exited", one, CreateTaskRequest.newBuilder());
        pause("exited", "one");
        resume("exited", "one");
        kill("exited", "one", "", KILL, false);
        kill("exited, all", "one", "", KILL, true);
        exec("exited", "one", "x", SLEEP);
        start("exec after init's exit", "one", "late");
        kill("exec after init's exit", "one", "late", KILL, false);
        kill("exec ended with init", "one", "running", KILL, false);
        shutdown("exited", "one");
        delete("exec ended with init", "one", "running");
        delete("exited", "one", "");
    }

    private void deleted(RawBundle one) {
        everyCall("deleted", "one");
        talk.ask("deleted", TaskGrpc.getWaitMethod(), wait("one", ""));
        start("deleted", "one", "");
        pause("deleted", "one");
        resume("deleted", "one");
        kill("deleted", "one", "", KILL, false);
        delete("deleted", "one", "");
        exec("deleted", "one", "e", SLEEP);
        create("same id again", one, CreateTaskRequest.newBuilder());
        if (robust) {
            delete("never started", "one", "");
        } else {
            shim.call(
                    TaskGrpc.getDeleteMethod(),
                    DeleteRequest.newBuilder().setId("one").build(),
                    Duration.ofSeconds(20));
        }
    }

    private void neverStarted() {
        var two = bundle("two", false, "/bin/sleep", "1000");
        create("never started", two, CreateTaskRequest.newBuilder());
        kill("never started", "two", "", KILL, false);
        talk.ask("never started and killed", TaskGrpc.getWaitMethod(), wait("two", ""));
        state("never started and killed", "two", "");
        delete("never started and killed", "two", "");
    }

    private void terminal() {
        var tty = bundle("tty", true, "/bin/sh", "-c", "exec sleep 1000");
        Path out = shim.openFifo(tty.folder().resolve("out"));
        create("terminal", tty, CreateTaskRequest.newBuilder().setTerminal(true).setStdout(out.toString()));
        resize("terminal created", "tty", "");
        start("terminal", "tty", "");
        everyCall("terminal", "tty");
        talk.ask(
                "terminal",
                TaskGrpc.getExecMethod(),
                ExecProcessRequest.newBuilder()
                        .setId("tty")
                        .setExecId("t")
                        .setTerminal(true)
                        .setStdout(
                                shim.openFifo(tty.folder().resolve("exec-out")).toString())
                        .setSpec(SLEEP)
                        .build());
        resize("terminal exec added", "tty", "t");
        start("terminal exec", "tty", "t");
        everyExecCall("terminal", "tty", "t");
        kill("terminal exec", "tty", "t", KILL, false);
        talk.ask("terminal exec", TaskGrpc.getWaitMethod(), wait("tty", "t"));
        resize("terminal exec exited", "tty", "t");
        kill("terminal", "tty", "", KILL, false);
        talk.ask("terminal", TaskGrpc.getWaitMethod(), wait("tty", ""));
        resize("terminal exited", "tty", "");
        delete("terminal", "tty", "");
        if (robust) {
            create(
                    "terminal without streams",
                    tty,
                    CreateTaskRequest.newBuilder().setTerminal(true));
            delete("terminal without streams", "tty", "");
        }
    }

    private void input() {
        var cat = bundle("cat", false, "/bin/cat");
        Path in = RawShim.fifo(cat.folder().resolve("in"));
        create(
                "input",
                cat,
                CreateTaskRequest.newBuilder()
                        .setStdin(in.toString())
                        .setStdout(shim.openFifo(cat.folder().resolve("out")).toString())
                        .setStderr(shim.openFifo(cat.folder().resolve("err")).toString()));
        start("input", "cat", "");
        state("input", "cat", "");
        closeIo("input, but not stdin", "cat", "", false);
        talk.askBoth("input, but not stdin", TaskGrpc.getWaitMethod(), wait("cat", ""));
        closeIo("input", "cat", "", true);
        talk.ask("input closed", TaskGrpc.getWaitMethod(), wait("cat", ""));
        closeIo("input, again", "cat", "", true);
        delete("input", "cat", "");
    }

    private void twoAtOnce() {
        var left = bundle("left", false, "/bin/true");
        var right = bundle("right", false, "/bin/sleep", "1000");
        create("left", left, CreateTaskRequest.newBuilder());
        create("right", right, CreateTaskRequest.newBuilder());
        start("left", "left", "");
        talk.ask("left", TaskGrpc.getWaitMethod(), wait("left", ""));
        delete("left", "left", "");
        shutdown("one of two is left", "left");
        state("one of two is left", "right", "");
        start("right", "right", "");
        kill("right", "right", "", KILL, true);
        talk.ask("right", TaskGrpc.getWaitMethod(), wait("right", ""));
        delete("right", "right", "");
    }

    private void end() {
        try {
            shim.call(TaskGrpc.getShutdownMethod(), ShutdownRequest.getDefaultInstance(), Duration.ofSeconds(20));
        } catch (StatusRuntimeException e) {
            // The Go shim may be gone before its answer.
            assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        }
        talk.note("the shim ends", Boolean.toString(Wait.within(Duration.ofSeconds(30), () -> !shim.listens())));
    }

    /** What changes nothing, or must not. */
    private void everyCall(String when, String id) {
        state(when, id, "");
        talk.ask(
                when,
                TaskGrpc.getPidsMethod(),
                PidsRequest.newBuilder().setId(id).build());
        talk.ask(
                when,
                TaskGrpc.getConnectMethod(),
                ConnectRequest.newBuilder().setId(id).build());
        talk.ask(
                when,
                TaskGrpc.getStatsMethod(),
                StatsRequest.newBuilder().setId(id).build());
        resize(when, id, "");
        closeIo(when, id, "", true);
        closeIo(when + ", again", id, "", true);
        closeIo(when + ", but not stdin", id, "", false);
        talk.ask(when + ", nothing", TaskGrpc.getUpdateMethod(), update(id, Any.getDefaultInstance()));
        talk.ask(when + ", broken", TaskGrpc.getUpdateMethod(), update(id, BROKEN));
        talk.ask(when + ", broken", TaskGrpc.getCheckpointMethod(), checkpoint(id, BROKEN));
        everyExecCall(when + ", unknown", id, "nobody");
        start(when + ", unknown exec", id, "nobody");
        delete(when + ", unknown exec", id, "nobody");
        kill(when + ", unknown exec", id, "nobody", KILL, false);
        talk.ask(when + ", unknown exec", TaskGrpc.getWaitMethod(), wait(id, "nobody"));
    }

    private void everyExecCall(String when, String id, String execId) {
        state("exec " + when, id, execId);
        resize("exec " + when, id, execId);
        closeIo("exec " + when, id, execId, true);
        closeIo("exec " + when + ", again", id, execId, true);
    }

    private RawBundle bundle(String id, boolean terminal, String... argv) {
        return RawBundle.make(folder, shim.namespace(), id, terminal, argv);
    }

    private void create(String when, RawBundle bundle, CreateTaskRequest.Builder request) {
        create(when, bundle.id(), bundle.folder(), request);
    }

    private void create(String when, String id, Path bundle, CreateTaskRequest.Builder request) {
        talk.ask(
                when,
                TaskGrpc.getCreateMethod(),
                request.setId(id).setBundle(bundle.toString()).build());
    }

    private void start(String when, String id, String execId) {
        talk.ask(
                when,
                TaskGrpc.getStartMethod(),
                StartRequest.newBuilder().setId(id).setExecId(execId).build());
    }

    private void delete(String when, String id, String execId) {
        talk.ask(
                when,
                TaskGrpc.getDeleteMethod(),
                DeleteRequest.newBuilder().setId(id).setExecId(execId).build());
    }

    private void state(String when, String id, String execId) {
        talk.ask(
                when,
                TaskGrpc.getStateMethod(),
                StateRequest.newBuilder().setId(id).setExecId(execId).build());
    }

    private void pause(String when, String id) {
        talk.ask(
                when,
                TaskGrpc.getPauseMethod(),
                PauseRequest.newBuilder().setId(id).build());
    }

    private void resume(String when, String id) {
        talk.ask(
                when,
                TaskGrpc.getResumeMethod(),
                ResumeRequest.newBuilder().setId(id).build());
    }

    private void kill(String when, String id, String execId, int signal, boolean all) {
        talk.ask(
                when,
                TaskGrpc.getKillMethod(),
                KillRequest.newBuilder()
                        .setId(id)
                        .setExecId(execId)
                        .setSignal(signal)
                        .setAll(all)
                        .build());
    }

    private void exec(String when, String id, String execId, Any spec) {
        talk.ask(
                when,
                TaskGrpc.getExecMethod(),
                ExecProcessRequest.newBuilder()
                        .setId(id)
                        .setExecId(execId)
                        .setSpec(spec)
                        .build());
    }

    private void resize(String when, String id, String execId) {
        talk.ask(
                when,
                TaskGrpc.getResizePtyMethod(),
                ResizePtyRequest.newBuilder()
                        .setId(id)
                        .setExecId(execId)
                        .setWidth(80)
                        .setHeight(25)
                        .build());
    }

    private void closeIo(String when, String id, String execId, boolean stdin) {
        talk.ask(
                when,
                TaskGrpc.getCloseIOMethod(),
                CloseIORequest.newBuilder()
                        .setId(id)
                        .setExecId(execId)
                        .setStdin(stdin)
                        .build());
    }

    private void shutdown(String when, String id) {
        talk.ask(
                when,
                TaskGrpc.getShutdownMethod(),
                ShutdownRequest.newBuilder().setId(id).build());
    }

    private static WaitRequest wait(String id, String execId) {
        return WaitRequest.newBuilder().setId(id).setExecId(execId).build();
    }

    private static UpdateTaskRequest update(String id, Any resources) {
        return UpdateTaskRequest.newBuilder().setId(id).setResources(resources).build();
    }

    private CheckpointTaskRequest checkpoint(String id, Any options) {
        return CheckpointTaskRequest.newBuilder()
                .setId(id)
                .setPath(folder.resolve("image").toString())
                .setOptions(options)
                .build();
    }

    private static Any process(String... argv) {
        String args = new com.google.gson.Gson().toJson(List.of(argv));
        return any(PROCESS, "{\"user\":{},\"cwd\":\"/\",\"env\":[\"PATH=/bin\"],\"args\":" + args + "}");
    }

    private static Any any(String type, String value) {
        return any(type, ByteString.copyFrom(value, java.nio.charset.StandardCharsets.ISO_8859_1));
    }

    private static Any any(String type, ByteString value) {
        return Any.newBuilder().setTypeUrl(type).setValue(value).build();
    }
}
