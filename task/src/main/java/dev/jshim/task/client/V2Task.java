package dev.jshim.task.client;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import dev.jshim.proto.v1.types.ProcessInfo;
import dev.jshim.proto.v2.task2.CheckpointTaskRequest;
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
import dev.jshim.proto.v2.task2.UpdateTaskRequest;
import dev.jshim.proto.v2.task2.WaitRequest;
import dev.jshim.proto.v2.task2.WaitResponse;
import dev.jshim.task.ExecRequest;
import dev.jshim.task.Exit;
import dev.jshim.task.ListedPid;
import dev.jshim.task.ProcessState;
import dev.jshim.task.ProcessStatus;
import dev.jshim.task.ShimException.Kind;
import dev.jshim.task.Statuses;
import dev.jshim.task.Stdio;
import dev.jshim.task.TaskId;
import dev.jshim.task.Timestamps;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;

/**
 * The task of a v2 shim of any vendor. The messages of versions 2 and 3 of the task API are the same; only the
 * service's name differs. A shim that does not know the one version is asked in the other.
 */
public final class V2Task implements ShimTask {
    /** Of a v1 and of a v2 shim of runc; what else the details of a pid say we do not know, and pass over. */
    private static final Set<String> DETAILS =
            Set.of("containerd.linux.runc.ProcessDetails", "containerd.runc.v1.ProcessDetails");

    private static final String RESOURCES = "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources";

    private final TaskId task;
    private final Path bundle;
    private final Channel channel;
    private final Runnable close;
    private final boolean isV3;
    private final Duration timeout;

    /**
     * The task that a shim has, by a connection to that.
     *
     * @param bundle the container's
     * @param channel puts the namespace into the metadata of each call
     * @param close what closes the channel
     * @param isV3 whether version 3 of the API is tried first
     * @param timeout of each call, but that for an exit
     */
    public V2Task(TaskId task, Path bundle, Channel channel, Runnable close, boolean isV3, Duration timeout) {
        this.task = task;
        this.bundle = bundle;
        this.channel = channel;
        this.close = close;
        this.isV3 = isV3;
        this.timeout = timeout;
    }

    @Override
    public String id() {
        return task.id();
    }

    @Override
    public Path bundle() {
        return bundle;
    }

    @Override
    public int shimPid() {
        var request = ConnectRequest.newBuilder().setId(id()).build();
        return call(TaskGrpc.getConnectMethod(), request).getShimPid();
    }

    @Override
    public int pid() {
        return state("").pid();
    }

    @Override
    public ProcessState state(String execId) {
        var request = StateRequest.newBuilder().setId(id()).setExecId(execId).build();
        var r = call(TaskGrpc.getStateMethod(), request);
        var status = Wire.status(r.getStatus());
        return new ProcessState(
                execId.isEmpty() ? id() : execId,
                Wire.path(r.getBundle()),
                r.getPid(),
                status,
                new Stdio(r.getStdin(), r.getStdout(), r.getStderr(), r.getTerminal()),
                status == ProcessStatus.STOPPED
                        ? new Exit(r.getPid(), r.getExitStatus(), Timestamps.instant(r.getExitedAt()))
                        : null);
    }

    @Override
    public void start(String execId, IntConsumer started) {
        var request = StartRequest.newBuilder().setId(id()).setExecId(execId).build();
        started.accept(call(TaskGrpc.getStartMethod(), request).getPid());
    }

    @Override
    public Exit delete(String execId) {
        var request = DeleteRequest.newBuilder().setId(id()).setExecId(execId).build();
        var r = call(TaskGrpc.getDeleteMethod(), request);
        return new Exit(r.getPid(), r.getExitStatus(), Timestamps.instant(r.getExitedAt()));
    }

    @Override
    public List<ListedPid> pids() {
        var request = PidsRequest.newBuilder().setId(id()).build();
        return call(TaskGrpc.getPidsMethod(), request).getProcessesList().stream()
                .map(V2Task::listed)
                .toList();
    }

    private static ListedPid listed(ProcessInfo info) {
        var details = info.getInfo();
        return new ListedPid(info.getPid(), DETAILS.contains(type(details)) ? Wire.execId(details) : "");
    }

    @Override
    public void pause() {
        call(TaskGrpc.getPauseMethod(), PauseRequest.newBuilder().setId(id()).build());
    }

    @Override
    public void resume() {
        call(TaskGrpc.getResumeMethod(), ResumeRequest.newBuilder().setId(id()).build());
    }

    @Override
    public void checkpoint(String path, Any options) {
        var request = CheckpointTaskRequest.newBuilder()
                .setId(id())
                .setPath(path)
                .setOptions(options)
                .build();
        call(TaskGrpc.getCheckpointMethod(), request);
    }

    @Override
    public void kill(String execId, int signal, boolean all) {
        var request = KillRequest.newBuilder()
                .setId(id())
                .setExecId(execId)
                .setSignal(signal)
                .setAll(all)
                .build();
        call(TaskGrpc.getKillMethod(), request);
    }

    @Override
    public void exec(ExecRequest r) {
        var request = ExecProcessRequest.newBuilder()
                .setId(id())
                .setExecId(r.execId())
                .setTerminal(r.stdio().terminal())
                .setStdin(r.stdio().stdin())
                .setStdout(r.stdio().stdout())
                .setStderr(r.stdio().stderr())
                .setSpec(r.spec())
                .build();
        call(TaskGrpc.getExecMethod(), request);
    }

    @Override
    public void resize(String execId, int width, int height) {
        var request = ResizePtyRequest.newBuilder()
                .setId(id())
                .setExecId(execId)
                .setWidth(width)
                .setHeight(height)
                .build();
        call(TaskGrpc.getResizePtyMethod(), request);
    }

    @Override
    public void closeStdin(String execId) {
        var request = CloseIORequest.newBuilder()
                .setId(id())
                .setExecId(execId)
                .setStdin(true)
                .build();
        call(TaskGrpc.getCloseIOMethod(), request);
    }

    @Override
    public void update(ByteString resources, Map<String, String> annotations) {
        var request = UpdateTaskRequest.newBuilder()
                .setId(id())
                .setResources(Any.newBuilder().setTypeUrl(RESOURCES).setValue(resources))
                .putAllAnnotations(annotations)
                .build();
        call(TaskGrpc.getUpdateMethod(), request);
    }

    @Override
    public CompletableFuture<Exit> exited(String execId) {
        var request = WaitRequest.newBuilder().setId(id()).setExecId(execId).build();
        var exited = new CompletableFuture<Exit>();
        await(request, isV3, exited);
        return exited;
    }

    private void await(WaitRequest request, boolean asV3, CompletableFuture<Exit> exited) {
        var call = channel.newCall(versioned(TaskGrpc.getWaitMethod(), asV3), CallOptions.DEFAULT);
        var _ = exited.whenComplete((_, _) -> {
            if (exited.isCancelled()) {
                call.cancel("nobody waits any more", null);
            }
        });
        ClientCalls.asyncUnaryCall(call, request, new AsyncAnswer<WaitResponse>(Statuses::exception, (r, failure) -> {
            if (r != null) {
                exited.complete(new Exit(0, r.getExitStatus(), Timestamps.instant(r.getExitedAt())));
            } else if (failure != null && failure.kind() == Kind.UNIMPLEMENTED && asV3 == isV3) {
                await(request, !isV3, exited);
            } else if (failure != null) {
                exited.completeExceptionally(failure);
            }
        }));
    }

    @Override
    public Message stats() {
        var request = StatsRequest.newBuilder().setId(id()).build();
        var stats = call(TaskGrpc.getStatsMethod(), request).getStats();
        try {
            return switch (type(stats)) {
                case "io.containerd.cgroups.v1.Metrics" ->
                    dev.jshim.proto.v2.cgroup1.Metrics.parseFrom(stats.getValue());
                case "io.containerd.cgroups.v2.Metrics" ->
                    dev.jshim.proto.v2.cgroup2.Metrics.parseFrom(stats.getValue());
                default -> stats;
            };
        } catch (InvalidProtocolBufferException e) {
            return stats;
        }
    }

    /** Go's typeurl leaves out the host that protobuf-java's Any.is() looks for. */
    private static String type(Any any) {
        var url = any.getTypeUrl();
        return url.substring(url.lastIndexOf('/') + 1);
    }

    @Override
    public void close() {
        close.run();
    }

    private <Q, R> R call(MethodDescriptor<Q, R> method, Q request) {
        try {
            return ask(method, request);
        } catch (StatusRuntimeException e) {
            throw Statuses.exception(e.getStatus());
        }
    }

    /**
     * Any call of version 2 of the task API; also one that changes something, such as Create.
     *
     * @throws StatusRuntimeException what the shim answered in place of a message
     */
    public <Q, R> R ask(MethodDescriptor<Q, R> method, Q request) {
        var options = CallOptions.DEFAULT.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS);
        try {
            return ClientCalls.blockingUnaryCall(channel, versioned(method, isV3), options, request);
        } catch (StatusRuntimeException e) {
            if (e.getStatus().getCode() != Status.Code.UNIMPLEMENTED) {
                throw e;
            }
            return ClientCalls.blockingUnaryCall(channel, versioned(method, !isV3), options, request);
        }
    }

    private static <Q, R> MethodDescriptor<Q, R> versioned(MethodDescriptor<Q, R> method, boolean v3) {
        if (!v3) {
            return method;
        }
        var name = MethodDescriptor.generateFullMethodName(
                "containerd.task.v3.Task", String.valueOf(method.getBareMethodName()));
        return method.toBuilder().setFullMethodName(name).build();
    }
}
