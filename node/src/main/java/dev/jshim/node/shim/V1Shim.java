package dev.jshim.node.shim;

import com.google.protobuf.Any;
import com.google.protobuf.Empty;
import dev.jshim.node.Answer;
import dev.jshim.node.Ask;
import dev.jshim.node.TaskId;
import dev.jshim.node.socket.ShimConnection;
import dev.jshim.node.socket.ShimSocket;
import dev.jshim.proto.v1.shim.CloseIORequest;
import dev.jshim.proto.v1.shim.DeleteProcessRequest;
import dev.jshim.proto.v1.shim.ExecProcessRequest;
import dev.jshim.proto.v1.shim.KillRequest;
import dev.jshim.proto.v1.shim.ListPidsRequest;
import dev.jshim.proto.v1.shim.ResizePtyRequest;
import dev.jshim.proto.v1.shim.ShimGrpc;
import dev.jshim.proto.v1.shim.StartRequest;
import dev.jshim.proto.v1.shim.StateRequest;
import dev.jshim.proto.v1.shim.WaitRequest;
import dev.jshim.proto.v1.types.ProcessInfo;
import dev.jshim.ttrpc.TtrpcChannel;
import io.grpc.Status;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** A v1 shim: it serves one container, and its processes are one flat set of ids. */
public final class V1Shim implements Shim {
    private final TaskId task;
    private final TtrpcChannel channel;
    private final Duration timeout;

    private V1Shim(TaskId task, TtrpcChannel channel, Duration timeout) {
        this.task = task;
        this.channel = channel;
        this.timeout = timeout;
    }

    /** Connects; see {@link ShimConnection#open} for what it throws. */
    public static V1Shim open(TaskId task, ShimSocket socket, Duration timeout) throws IOException {
        return new V1Shim(task, ShimConnection.open(socket, timeout), timeout);
    }

    private ShimGrpc.ShimBlockingStub stub() {
        return ShimGrpc.newBlockingStub(channel).withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS);
    }

    /** One flat set of ids: init has the container's. */
    private String process(String execId) {
        return execId.isEmpty() ? task.id() : execId;
    }

    @Override
    public Answer<TaskState> state(String execId) {
        var request = StateRequest.newBuilder().setId(process(execId)).build();
        return Ask.call(timeout, () -> {
            var state = stub().state(request);
            return new TaskState(
                    state.getPid(),
                    Wire.status(state.getStatus()),
                    state.getBundle(),
                    state.getStdin(),
                    state.getStdout(),
                    state.getStderr(),
                    state.getTerminal(),
                    state.getExitStatus(),
                    Wire.instant(state.getExitedAt()));
        });
    }

    @Override
    public Answer<List<TaskPid>> pids() {
        var request = ListPidsRequest.newBuilder().setId(task.id()).build();
        return Ask.call(
                timeout,
                () -> stub().listPids(request).getProcessesList().stream()
                        .map(this::pid)
                        .toList());
    }

    /** A v1 shim lists init as an exec with the container's id. */
    private TaskPid pid(ProcessInfo process) {
        var pid = Wire.pid(process);
        return pid.execId().equals(task.id()) ? new TaskPid(pid.pid(), "") : pid;
    }

    @Override
    public Answer<Integer> shimPid() {
        return Ask.call(
                timeout, () -> stub().shimInfo(Empty.getDefaultInstance()).getShimPid());
    }

    @Override
    public Answer<Boolean> kill(int signal, String execId, boolean all) {
        var request = KillRequest.newBuilder()
                .setId(process(execId))
                .setSignal(signal)
                .setAll(all)
                .build();
        return Ask.call(timeout, () -> stub().kill(request).isInitialized());
    }

    @Override
    public Answer<Boolean> pause() {
        return ofOurs(() ->
                Ask.call(timeout, () -> stub().pause(Empty.getDefaultInstance()).isInitialized()));
    }

    @Override
    public Answer<Boolean> resume() {
        return ofOurs(() -> Ask.call(
                timeout, () -> stub().resume(Empty.getDefaultInstance()).isInitialized()));
    }

    /** A call that names no container: a bundle whose address is wrong must not do it to another one. */
    private Answer<Boolean> ofOurs(Supplier<Answer<Boolean>> call) {
        var state = state("");
        return state instanceof Answer.Answered<TaskState> ? call.get() : state.map(_ -> false);
    }

    @Override
    public Answer<TaskExit> await(String execId, Duration patience) {
        var request = WaitRequest.newBuilder().setId(process(execId)).build();
        return Ask.call(patience, () -> {
            var patient = ShimGrpc.newBlockingStub(channel).withDeadlineAfter(patience.toNanos(), TimeUnit.NANOSECONDS);
            var exit = patient.wait(request);
            return new TaskExit(exit.getExitStatus(), Wire.instant(exit.getExitedAt()));
        });
    }

    @Override
    public Answer<Any> stats() {
        return new Answer.Refused<>(Status.Code.UNIMPLEMENTED, "a v1 shim has no statistics");
    }

    @Override
    public Answer<Boolean> exec(ExecRequest exec) {
        if (exec.execId().equals(task.id())) {
            return new Answer.Refused<>(Status.Code.INVALID_ARGUMENT, "the exec id is the container's own");
        }
        var request = ExecProcessRequest.newBuilder()
                .setId(exec.execId())
                .setTerminal(exec.terminal())
                .setStdin(exec.stdin())
                .setStdout(exec.stdout())
                .setStderr(exec.stderr())
                .setSpec(exec.process())
                .build();
        return Ask.call(timeout, () -> stub().exec(request).isInitialized());
    }

    @Override
    public Answer<Integer> start(String execId) {
        var request = StartRequest.newBuilder().setId(requireExec(execId)).build();
        return Ask.call(timeout, () -> stub().start(request).getPid());
    }

    @Override
    public Answer<Boolean> resize(String execId, int columns, int rows) {
        var request = ResizePtyRequest.newBuilder()
                .setId(process(execId))
                .setWidth(columns)
                .setHeight(rows)
                .build();
        return Ask.call(timeout, () -> stub().resizePty(request).isInitialized());
    }

    @Override
    public Answer<Boolean> deleteExec(String execId) {
        var request =
                DeleteProcessRequest.newBuilder().setId(requireExec(execId)).build();
        return Ask.call(timeout, () -> stub().deleteProcess(request).isInitialized());
    }

    @Override
    public Answer<Boolean> closeStdin(String execId) {
        var request = CloseIORequest.newBuilder()
                .setId(process(execId))
                .setStdin(true)
                .build();
        return Ask.call(timeout, () -> stub().closeIO(request).isInitialized());
    }

    private String requireExec(String execId) {
        if (execId.isEmpty() || execId.equals(task.id())) {
            throw new IllegalArgumentException("not an exec: \"" + execId + "\"");
        }
        return execId;
    }

    @Override
    public void close() {
        channel.close();
    }
}
