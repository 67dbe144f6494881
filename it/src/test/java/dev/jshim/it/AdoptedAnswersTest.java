package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
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
import dev.jshim.proto.v2.task2.StartRequest;
import dev.jshim.proto.v2.task2.StateRequest;
import dev.jshim.proto.v2.task2.StatsRequest;
import dev.jshim.proto.v2.task2.TaskGrpc.TaskBlockingStub;
import dev.jshim.proto.v2.task2.UpdateTaskRequest;
import dev.jshim.proto.v2.task2.WaitRequest;
import io.grpc.StatusRuntimeException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Each call and each of its errors: what a client sees of a container of a real v1 shim through the bridge, beside what
 * it sees of one of our v2 shim in the same state. Both are asked in the same words, by ttrpc.
 */
@ParameterizedClass(name = "from containerd {0}")
@MethodSource("oldReleases")
class AdoptedAnswersTest extends MigrationScenario {
    private static final Any SLEEP = process("/bin/sleep\",\"1000");
    private static final Any NOTHING = process("/bin/nothing-of-that-name");
    private static final Any UNKNOWN = Any.newBuilder().setTypeUrl("some.Other").build();

    AdoptedAnswersTest(Release old) {
        super(old);
    }

    /** A question, asked in the order of the table. */
    private record Case(String name, BiConsumer<TaskBlockingStub, String> call) {}

    @Test
    void theSameCodes() {
        legacy("v1");
        upgrade();
        node.runDetached(Product.RUNTIME, "v2", "/bin/sleep", "100000");

        Map<String, String> v1 = answers("v1");
        Map<String, String> v2 = answers("v2");

        Set<String> differ = new TreeSet<>();
        v1.forEach((name, code) -> {
            if (!code.equals(v2.get(name))) {
                differ.add(name.substring(name.indexOf(' ') + 1) + ": " + code + ", " + v2.get(name));
            }
        });
        assertThat(differ).as("v1's answer, then v2's; all: " + v2).isEmpty();
        node.ctr("container", "rm", "v1").ok();
        node.ctr("container", "rm", "v2").ok();
    }

    private Map<String, String> answers(String id) {
        Map<String, String> codes = new LinkedHashMap<>();
        try (ShimClient client = ShimClient.of(node, id)) {
            for (Case one : running()) {
                codes.put(codes.size() + " running: " + one.name(), code(client.task(), one, id));
            }
            for (Case one : paused()) {
                codes.put(codes.size() + " paused: " + one.name(), code(client.task(), one, id));
            }
            var _ = client.task()
                    .kill(KillRequest.newBuilder().setId(id).setSignal(9).build());
            var _ = client.task().wait(WaitRequest.newBuilder().setId(id).build());
            for (Case one : stopped()) {
                codes.put(codes.size() + " stopped: " + one.name(), code(client.task(), one, id));
            }
            node.ctr("task", "rm", id);
        }
        return codes;
    }

    private static String code(TaskBlockingStub stub, Case one, String id) {
        try {
            one.call().accept(stub, id);
            return "OK";
        } catch (StatusRuntimeException e) {
            return e.getStatus().getCode().name();
        }
    }

    private static Case[] running() {
        return new Case[] {
            state(""),
            state("nobody"),
            new Case(
                    "State of another container",
                    (task, _) -> task.state(
                            StateRequest.newBuilder().setId("another").build())),
            new Case(
                    "Create again",
                    (task, id) -> task.create(CreateTaskRequest.newBuilder()
                            .setId(id)
                            .setBundle("/nowhere")
                            .build())),
            new Case(
                    "Create again with unknown options",
                    (task, id) -> task.create(CreateTaskRequest.newBuilder()
                            .setId(id)
                            .setBundle("/nowhere")
                            .setOptions(UNKNOWN)
                            .build())),
            start(""),
            start("nobody"),
            delete(""),
            delete("nobody"),
            kill("nobody", false),
            new Case(
                    "Kill with signal 0",
                    (task, id) -> task.kill(
                            KillRequest.newBuilder().setId(id).setSignal(0).build())),
            exec("e", SLEEP),
            exec("e", SLEEP),
            new Case("Exec under the container's own id", (task, id) -> task.exec(execRequest(id, id, SLEEP))),
            state("e"),
            delete("e"),
            exec("e", SLEEP),
            kill("e", false),
            start("e"),
            start("e"),
            exec("e", SLEEP),
            delete("e"),
            resize(""),
            resize("e"),
            resize("nobody"),
            closeIo(""),
            closeIo("e"),
            closeIo("nobody"),
            kill("e", false),
            waitFor("e"),
            kill("e", false),
            start("e"),
            resize("e"),
            closeIo("e"),
            state("e"),
            delete("e"),
            state("e"),
            waitFor("e"),
            waitFor("nobody"),
            exec("none", NOTHING),
            start("none"),
            state("none"),
            delete("none"),
            pids(),
            stats(),
            new Case(
                    "Connect",
                    (task, id) ->
                            task.connect(ConnectRequest.newBuilder().setId(id).build())),
            new Case(
                    "Connect to another container",
                    (task, _) -> task.connect(
                            ConnectRequest.newBuilder().setId("another").build())),
            new Case(
                    "Pids of another container",
                    (task, _) ->
                            task.pids(PidsRequest.newBuilder().setId("another").build())),
            new Case(
                    "Stats of another container",
                    (task, _) -> task.stats(
                            StatsRequest.newBuilder().setId("another").build())),
            update("{}"),
            update("{\"pids\":{\"limit\":100}}"),
            update("no JSON"),
            resume(),
            checkpoint(UNKNOWN),
        };
    }

    private static Case[] paused() {
        return new Case[] {
            new Case(
                    "Pause itself",
                    (task, id) -> task.pause(PauseRequest.newBuilder().setId(id).build())),
            pause(),
            state(""),
            pids(),
            start(""),
            delete(""),
            exec("p", SLEEP),
            new Case(
                    "Resume itself",
                    (task, id) ->
                            task.resume(ResumeRequest.newBuilder().setId(id).build())),
        };
    }

    private static Case[] stopped() {
        return new Case[] {
            state(""),
            pids(),
            waitFor(""),
            start(""),
            kill("", false),
            kill("", true),
            exec("s", SLEEP),
            pause(),
            resume(),
            resize(""),
            closeIo(""),
            update("{}"),
            delete("nobody"),
            checkpoint(Any.getDefaultInstance()),
        };
    }

    private static String of(String call, String execId) {
        return execId.isEmpty() ? call : call + " of " + execId;
    }

    private static Case state(String execId) {
        return new Case(
                of("State", execId),
                (task, id) -> task.state(
                        StateRequest.newBuilder().setId(id).setExecId(execId).build()));
    }

    private static Case start(String execId) {
        return new Case(
                of("Start", execId),
                (task, id) -> task.start(
                        StartRequest.newBuilder().setId(id).setExecId(execId).build()));
    }

    private static Case delete(String execId) {
        return new Case(
                of("Delete", execId),
                (task, id) -> task.delete(
                        DeleteRequest.newBuilder().setId(id).setExecId(execId).build()));
    }

    private static Case kill(String execId, boolean all) {
        return new Case(
                of(all ? "Kill all" : "Kill", execId),
                (task, id) -> task.kill(KillRequest.newBuilder()
                        .setId(id)
                        .setExecId(execId)
                        .setSignal(9)
                        .setAll(all)
                        .build()));
    }

    private static Case exec(String execId, Any spec) {
        return new Case(of("Exec", execId), (task, id) -> task.exec(execRequest(id, execId, spec)));
    }

    private static ExecProcessRequest execRequest(String id, String execId, Any spec) {
        return ExecProcessRequest.newBuilder()
                .setId(id)
                .setExecId(execId)
                .setSpec(spec)
                .build();
    }

    private static Case resize(String execId) {
        return new Case(
                of("ResizePty", execId),
                (task, id) -> task.resizePty(ResizePtyRequest.newBuilder()
                        .setId(id)
                        .setExecId(execId)
                        .setWidth(80)
                        .setHeight(25)
                        .build()));
    }

    private static Case closeIo(String execId) {
        return new Case(
                of("CloseIO", execId),
                (task, id) -> task.closeIO(CloseIORequest.newBuilder()
                        .setId(id)
                        .setExecId(execId)
                        .setStdin(true)
                        .build()));
    }

    private static Case waitFor(String execId) {
        return new Case(
                of("Wait", execId),
                (task, id) -> task.wait(
                        WaitRequest.newBuilder().setId(id).setExecId(execId).build()));
    }

    private static Case pids() {
        return new Case(
                "Pids",
                (task, id) -> task.pids(PidsRequest.newBuilder().setId(id).build()));
    }

    private static Case stats() {
        return new Case(
                "Stats",
                (task, id) -> task.stats(StatsRequest.newBuilder().setId(id).build()));
    }

    private static Case pause() {
        return new Case(
                "Pause",
                (task, id) -> task.pause(PauseRequest.newBuilder().setId(id).build()));
    }

    private static Case resume() {
        return new Case(
                "Resume",
                (task, id) -> task.resume(ResumeRequest.newBuilder().setId(id).build()));
    }

    private static Case update(String json) {
        return new Case(
                "Update to " + json,
                (task, id) -> task.update(UpdateTaskRequest.newBuilder()
                        .setId(id)
                        .setResources(Any.newBuilder()
                                .setTypeUrl("types.containerd.io/opencontainers/runtime-spec/1/LinuxResources")
                                .setValue(ByteString.copyFromUtf8(json)))
                        .build()));
    }

    private static Case checkpoint(Any options) {
        return new Case(
                "Checkpoint with " + options.getTypeUrl(),
                (task, id) -> task.checkpoint(CheckpointTaskRequest.newBuilder()
                        .setId(id)
                        .setPath("/nowhere")
                        .setOptions(options)
                        .build()));
    }

    private static Any process(String args) {
        return Any.newBuilder()
                .setTypeUrl("types.containerd.io/opencontainers/runtime-spec/1/Process")
                .setValue(ByteString.copyFromUtf8("{\"cwd\":\"/\",\"args\":[\"" + args
                        + "\"],\"env\":[\"PATH=/bin\"],\"user\":{\"uid\":0,\"gid\":0}}"))
                .build();
    }
}
