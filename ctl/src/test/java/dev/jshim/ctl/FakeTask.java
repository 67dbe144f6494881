package dev.jshim.ctl;

import com.google.protobuf.Any;
import com.google.protobuf.Message;
import dev.jshim.proto.v1.types.ProcessInfo;
import dev.jshim.proto.v1.types.Status;
import dev.jshim.proto.v2.runc.ProcessDetails;
import dev.jshim.proto.v2.task2.ConnectRequest;
import dev.jshim.proto.v2.task2.ConnectResponse;
import dev.jshim.proto.v2.task2.PidsRequest;
import dev.jshim.proto.v2.task2.PidsResponse;
import dev.jshim.proto.v2.task2.StateRequest;
import dev.jshim.proto.v2.task2.StateResponse;
import dev.jshim.proto.v2.task2.StatsRequest;
import dev.jshim.proto.v2.task2.StatsResponse;
import dev.jshim.proto.v2.task2.TaskGrpc;
import io.grpc.stub.StreamObserver;

/**
 * A v2 shim of one container that runs: its init, and the exec {@code shell} with the pid nine above; each has a child
 * with the next pid.
 */
final class FakeTask extends TaskGrpc.TaskImplBase {
    private final int shim;
    private final int init;
    private final Message metrics;

    FakeTask(int shim, int init, Message metrics) {
        this.shim = shim;
        this.init = init;
        this.metrics = metrics;
    }

    @Override
    public void state(StateRequest request, StreamObserver<StateResponse> out) {
        answer(
                out,
                StateResponse.newBuilder()
                        .setId(request.getId())
                        .setPid(init)
                        .setStatus(Status.RUNNING)
                        .setTerminal(true)
                        .setStdin("/run/jshim-no-in")
                        .setStdout("/run/jshim-no-out")
                        .build());
    }

    @Override
    public void pids(PidsRequest request, StreamObserver<PidsResponse> out) {
        var exec = Any.pack(ProcessDetails.newBuilder().setExecId("shell").build());
        answer(
                out,
                PidsResponse.newBuilder()
                        .addProcesses(ProcessInfo.newBuilder().setPid(init))
                        .addProcesses(ProcessInfo.newBuilder().setPid(init + 1))
                        .addProcesses(ProcessInfo.newBuilder().setPid(init + 9).setInfo(exec))
                        .addProcesses(ProcessInfo.newBuilder().setPid(init + 10))
                        .build());
    }

    @Override
    public void stats(StatsRequest request, StreamObserver<StatsResponse> out) {
        answer(out, StatsResponse.newBuilder().setStats(Any.pack(metrics, "")).build());
    }

    @Override
    public void connect(ConnectRequest request, StreamObserver<ConnectResponse> out) {
        answer(
                out,
                ConnectResponse.newBuilder().setShimPid(shim).setTaskPid(init).build());
    }

    private static <T> void answer(StreamObserver<T> out, T message) {
        out.onNext(message);
        out.onCompleted();
    }
}
