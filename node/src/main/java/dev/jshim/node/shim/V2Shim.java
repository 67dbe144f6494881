package dev.jshim.node.shim;

import com.google.protobuf.Any;
import dev.jshim.node.Answer;
import dev.jshim.node.Ask;
import dev.jshim.node.TaskId;
import dev.jshim.node.bundle.V2Bundle.Endpoint;
import dev.jshim.node.socket.ShimConnection;
import dev.jshim.node.socket.ShimSocket;
import dev.jshim.node.socket.UnixGrpc;
import dev.jshim.proto.v2.task2.CloseIORequest;
import dev.jshim.proto.v2.task2.ConnectRequest;
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
import dev.jshim.proto.v2.task2.TaskGrpc;
import dev.jshim.proto.v2.task2.WaitRequest;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A v2 shim of any vendor, over ttrpc or gRPC. The messages used here are the same in versions 2 and 3 of the task API,
 * which differ in the service's name.
 */
public final class V2Shim implements Shim {
    /** What the metadata of each call is led by (1.6.20, namespaces/ttrpc.go and namespaces/grpc.go). */
    private static final Metadata.Key<String> TTRPC_NAMESPACE =
            Metadata.Key.of("containerd-namespace-ttrpc", Metadata.ASCII_STRING_MARSHALLER);

    private final TaskId task;
    private final Channel channel;
    private final Runnable close;
    private final boolean isV3;
    private final Duration timeout;

    private V2Shim(TaskId task, Channel channel, Runnable close, boolean isV3, Duration timeout) {
        this.task = task;
        this.channel = channel;
        this.close = close;
        this.isV3 = isV3;
        this.timeout = timeout;
    }

    /** Connects; see {@link ShimConnection#open} for what it throws. */
    public static V2Shim open(TaskId task, Endpoint endpoint, Duration timeout) throws IOException {
        var socket = endpoint.socket();
        if (socket == null) {
            throw new IOException("its socket is unknown");
        }
        var metadata = new Metadata();
        return switch (endpoint.protocol()) {
            case TTRPC -> {
                metadata.put(TTRPC_NAMESPACE, task.namespace());
                var ttrpc = ShimConnection.open(socket, timeout);
                yield new V2Shim(task, with(ttrpc, metadata), ttrpc::close, endpoint.version() >= 3, timeout);
            }
            case GRPC -> {
                if (!(socket instanceof ShimSocket.Named named)) {
                    throw new IOException("a shim that speaks gRPC has no abstract socket: " + socket.address());
                }
                metadata.put(UnixGrpc.NAMESPACE, task.namespace());
                var grpc = UnixGrpc.open(named.path());
                // 1.7 calls the v3 service of a gRPC shim also where its bootstrap.json must say version 2
                yield new V2Shim(task, with(grpc, metadata), grpc::shutdownNow, true, timeout);
            }
        };
    }

    @Override
    public Answer<TaskState> state(String execId) {
        var request =
                StateRequest.newBuilder().setId(task.id()).setExecId(execId).build();
        return call(TaskGrpc.getStateMethod(), request)
                .map(state -> new TaskState(
                        state.getPid(),
                        Wire.status(state.getStatus()),
                        state.getBundle(),
                        state.getStdin(),
                        state.getStdout(),
                        state.getStderr(),
                        state.getTerminal(),
                        state.getExitStatus(),
                        Wire.instant(state.getExitedAt())));
    }

    @Override
    public Answer<List<TaskPid>> pids() {
        var request = PidsRequest.newBuilder().setId(task.id()).build();
        return call(TaskGrpc.getPidsMethod(), request)
                .map(pids -> pids.getProcessesList().stream().map(Wire::pid).toList());
    }

    @Override
    public Answer<Integer> shimPid() {
        var request = ConnectRequest.newBuilder().setId(task.id()).build();
        return call(TaskGrpc.getConnectMethod(), request).map(answer -> answer.getShimPid());
    }

    @Override
    public Answer<Boolean> kill(int signal, String execId, boolean all) {
        var request = KillRequest.newBuilder()
                .setId(task.id())
                .setExecId(execId)
                .setSignal(signal)
                .setAll(all)
                .build();
        return call(TaskGrpc.getKillMethod(), request).map(empty -> true);
    }

    /** Any call of version 2 of the task API; also one that changes something, such as Create. */
    public <Q, R> Answer<R> ask(MethodDescriptor<Q, R> method, Q request) {
        return call(method, request);
    }

    @Override
    public Answer<Boolean> pause() {
        var request = PauseRequest.newBuilder().setId(task.id()).build();
        return call(TaskGrpc.getPauseMethod(), request).map(empty -> true);
    }

    @Override
    public Answer<Boolean> resume() {
        var request = ResumeRequest.newBuilder().setId(task.id()).build();
        return call(TaskGrpc.getResumeMethod(), request).map(empty -> true);
    }

    @Override
    public Answer<TaskExit> await(String execId, Duration patience) {
        var request =
                WaitRequest.newBuilder().setId(task.id()).setExecId(execId).build();
        return call(TaskGrpc.getWaitMethod(), request, patience)
                .map(exit -> new TaskExit(exit.getExitStatus(), Wire.instant(exit.getExitedAt())));
    }

    @Override
    public Answer<Any> stats() {
        var request = StatsRequest.newBuilder().setId(task.id()).build();
        return call(TaskGrpc.getStatsMethod(), request).map(answer -> answer.getStats());
    }

    @Override
    public Answer<Boolean> exec(ExecRequest exec) {
        var request = ExecProcessRequest.newBuilder()
                .setId(task.id())
                .setExecId(exec.execId())
                .setTerminal(exec.terminal())
                .setStdin(exec.stdin())
                .setStdout(exec.stdout())
                .setStderr(exec.stderr())
                .setSpec(exec.process())
                .build();
        return call(TaskGrpc.getExecMethod(), request).map(empty -> true);
    }

    @Override
    public Answer<Integer> start(String execId) {
        var request = StartRequest.newBuilder()
                .setId(task.id())
                .setExecId(requireExec(execId))
                .build();
        return call(TaskGrpc.getStartMethod(), request).map(answer -> answer.getPid());
    }

    @Override
    public Answer<Boolean> resize(String execId, int columns, int rows) {
        var request = ResizePtyRequest.newBuilder()
                .setId(task.id())
                .setExecId(execId)
                .setWidth(columns)
                .setHeight(rows)
                .build();
        return call(TaskGrpc.getResizePtyMethod(), request).map(empty -> true);
    }

    @Override
    public Answer<Boolean> deleteExec(String execId) {
        var request = DeleteRequest.newBuilder()
                .setId(task.id())
                .setExecId(requireExec(execId))
                .build();
        return call(TaskGrpc.getDeleteMethod(), request).map(answer -> true);
    }

    @Override
    public Answer<Boolean> closeStdin(String execId) {
        var request = CloseIORequest.newBuilder()
                .setId(task.id())
                .setExecId(execId)
                .setStdin(true)
                .build();
        return call(TaskGrpc.getCloseIOMethod(), request).map(empty -> true);
    }

    private static String requireExec(String execId) {
        if (execId.isEmpty()) {
            throw new IllegalArgumentException("not an exec: it has no id");
        }
        return execId;
    }

    @Override
    public void close() {
        close.run();
    }

    /** Asks in the version that the bundle names; a shim that does not know it is asked in the other. */
    private <Q, R> Answer<R> call(MethodDescriptor<Q, R> method, Q request) {
        return call(method, request, timeout);
    }

    private <Q, R> Answer<R> call(MethodDescriptor<Q, R> method, Q request, Duration patience) {
        return Ask.call(patience, () -> {
            var options = CallOptions.DEFAULT.withDeadlineAfter(patience.toNanos(), TimeUnit.NANOSECONDS);
            try {
                return ClientCalls.blockingUnaryCall(channel, versioned(method, isV3), options, request);
            } catch (StatusRuntimeException e) {
                if (e.getStatus().getCode() != Status.Code.UNIMPLEMENTED) {
                    throw e;
                }
                return ClientCalls.blockingUnaryCall(channel, versioned(method, !isV3), options, request);
            }
        });
    }

    private static <Q, R> MethodDescriptor<Q, R> versioned(MethodDescriptor<Q, R> method, boolean v3) {
        if (!v3) {
            return method;
        }
        var name = MethodDescriptor.generateFullMethodName(
                "containerd.task.v3.Task", String.valueOf(method.getBareMethodName()));
        return method.toBuilder().setFullMethodName(name).build();
    }

    private static Channel with(Channel channel, Metadata metadata) {
        return ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(metadata));
    }
}
