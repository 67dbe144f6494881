package dev.jshim.node;

import com.google.protobuf.Empty;
import dev.jshim.proto.v1.shim.KillRequest;
import dev.jshim.proto.v1.shim.ListPidsRequest;
import dev.jshim.proto.v1.shim.ShimGrpc;
import dev.jshim.proto.v1.shim.StateRequest;
import dev.jshim.proto.v1.types.ProcessInfo;
import dev.jshim.ttrpc.TtrpcChannel;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

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

    @Override
    public Answer<TaskState> state() {
        var request = StateRequest.newBuilder().setId(task.id()).build();
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
    public Answer<Boolean> kill(int signal) {
        var request =
                KillRequest.newBuilder().setId(task.id()).setSignal(signal).build();
        return Ask.call(timeout, () -> stub().kill(request).isInitialized());
    }

    @Override
    public void close() {
        channel.close();
    }
}
