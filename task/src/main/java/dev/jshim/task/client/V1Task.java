package dev.jshim.task.client;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Empty;
import com.google.protobuf.Message;
import dev.jshim.proto.v1.shim.CheckpointTaskRequest;
import dev.jshim.proto.v1.shim.CloseIORequest;
import dev.jshim.proto.v1.shim.DeleteProcessRequest;
import dev.jshim.proto.v1.shim.DeleteResponse;
import dev.jshim.proto.v1.shim.ExecProcessRequest;
import dev.jshim.proto.v1.shim.KillRequest;
import dev.jshim.proto.v1.shim.ListPidsRequest;
import dev.jshim.proto.v1.shim.ResizePtyRequest;
import dev.jshim.proto.v1.shim.ShimGrpc.ShimBlockingStub;
import dev.jshim.proto.v1.shim.StartRequest;
import dev.jshim.proto.v1.shim.StateRequest;
import dev.jshim.proto.v1.shim.UpdateTaskRequest;
import dev.jshim.proto.v1.shim.WaitRequest;
import dev.jshim.proto.v1.shim.WaitResponse;
import dev.jshim.proto.v1.types.ProcessInfo;
import dev.jshim.task.ExecRequest;
import dev.jshim.task.Exit;
import dev.jshim.task.ListedPid;
import dev.jshim.task.ProcessState;
import dev.jshim.task.ProcessStatus;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimException.Kind;
import dev.jshim.task.Stdio;
import dev.jshim.task.Timestamps;
import dev.jshim.task.client.V1Calls.Work;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.IntConsumer;

/**
 * The task of a v1 shim: each call as one of the v1 API (containerd v1.6.20, runtime/v1/shim/service.go), with the
 * errors that a v2 shim gives.
 *
 * <p>A v1 shim serves one container and has one flat set of process ids: init has the container's id, an exec its own.
 *
 * @param id the container's
 * @param bundle the container's, of the v1 runtime
 */
public record V1Task(String id, Path bundle, V1Calls calls) implements ShimTask {
    private static final String PROCESS = "types.containerd.io/opencontainers/runtime-spec/1/Process";
    private static final String RESOURCES = "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources";

    @Override
    public int shimPid() {
        return calls.call(Work.READ, shim -> shim.shimInfo(Empty.getDefaultInstance()))
                .getShimPid();
    }

    @Override
    public int pid() {
        return state("").pid();
    }

    @Override
    public ProcessState state(String execId) {
        var request = StateRequest.newBuilder().setId(process(execId)).build();
        var r = calls.call(Work.READ, shim -> shim.state(request));
        var status = Wire.status(r.getStatus());
        return new ProcessState(
                execId.isEmpty() ? id : execId,
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
        var request = StartRequest.newBuilder().setId(process(execId)).build();
        started.accept(
                explained(execId, Work.RUNTIME, shim -> shim.start(request)).getPid());
    }

    @Override
    public Exit delete(String execId) {
        return exit(explained(execId, Work.RUNTIME, execId.isEmpty() ? deleteInit() : deleteExec(execId)));
    }

    private Function<ShimBlockingStub, DeleteResponse> deleteInit() {
        requireVerified();
        return shim -> shim.delete(Empty.getDefaultInstance());
    }

    private Function<ShimBlockingStub, DeleteResponse> deleteExec(String execId) {
        var request = DeleteProcessRequest.newBuilder().setId(process(execId)).build();
        return shim -> shim.deleteProcess(request);
    }

    private static Exit exit(DeleteResponse r) {
        return new Exit(r.getPid(), r.getExitStatus(), Timestamps.instant(r.getExitedAt()));
    }

    @Override
    public List<ListedPid> pids() {
        var request = ListPidsRequest.newBuilder().setId(id).build();
        return calls.call(Work.READ, shim -> shim.listPids(request)).getProcessesList().stream()
                .map(this::listed)
                .toList();
    }

    /** Whatever the type says: a v1 shim sends nothing but ProcessDetails, and names init by the container's id. */
    private ListedPid listed(ProcessInfo info) {
        var execId = Wire.execId(info.getInfo());
        return new ListedPid(info.getPid(), execId.equals(id) ? "" : execId);
    }

    @Override
    public void pause() {
        requireVerified();
        explained("", Work.RUNTIME, shim -> shim.pause(Empty.getDefaultInstance()));
    }

    @Override
    public void resume() {
        requireVerified();
        explained("", Work.RUNTIME, shim -> shim.resume(Empty.getDefaultInstance()));
    }

    @Override
    public void checkpoint(String path, Any options) {
        var request = CheckpointTaskRequest.newBuilder()
                .setPath(path)
                .setOptions(V1Checkpoint.options(options))
                .build();
        requireVerified();
        explained("", Work.CHECKPOINT, shim -> shim.checkpoint(request));
    }

    @Override
    public void kill(String execId, int signal, boolean all) {
        var request = KillRequest.newBuilder()
                .setId(process(execId))
                .setSignal(signal)
                .setAll(all)
                .build();
        try {
            calls.call(Work.RUNTIME, shim -> shim.kill(request));
        } catch (ShimException e) {
            if (e.kind() == Kind.UNKNOWN && isStopped(execId)) {
                throw new ShimException(Kind.NOT_FOUND, "process already finished", e);
            }
            throw e;
        }
    }

    @Override
    public void exec(ExecRequest r) {
        if (r.execId().equals(id)) {
            throw ShimException.invalidArgument("exec id " + r.execId()
                    + " is the container's own id, which means init to a v1 shim; choose another one");
        }
        var type = r.spec().getTypeUrl();
        if (!type.equals(PROCESS)) {
            throw ShimException.invalidArgument(
                    "exec " + r.execId() + ": a process of type \"" + type + "\" is not known: it must be " + PROCESS);
        }
        var request = ExecProcessRequest.newBuilder()
                .setId(r.execId())
                .setTerminal(r.stdio().terminal())
                .setStdin(r.stdio().stdin())
                .setStdout(r.stdio().stdout())
                .setStderr(r.stdio().stderr())
                .setSpec(r.spec())
                .build();
        explained("", Work.CHANGE, shim -> shim.exec(request));
    }

    @Override
    public void resize(String execId, int width, int height) {
        var request = ResizePtyRequest.newBuilder()
                .setId(process(execId))
                .setWidth(width)
                .setHeight(height)
                .build();
        try {
            explained(execId, Work.CHANGE, shim -> shim.resizePty(request));
        } catch (ShimException e) {
            // A client sends a size whenever its window has one: that the process has just ended is no error of its.
            if (e.kind() != Kind.UNKNOWN || !isStopped(execId)) {
                throw e;
            }
        }
    }

    @Override
    public void closeStdin(String execId) {
        var request = CloseIORequest.newBuilder()
                .setId(process(execId))
                .setStdin(true)
                .build();
        calls.call(Work.CHANGE, shim -> shim.closeIO(request));
    }

    /** Annotations have no place in the v1 API and are left out. */
    @Override
    public void update(ByteString resources, Map<String, String> annotations) {
        var any = Any.newBuilder().setTypeUrl(RESOURCES).setValue(resources);
        var request = UpdateTaskRequest.newBuilder().setResources(any).build();
        requireVerified();
        explained("", Work.RUNTIME, shim -> shim.update(request));
    }

    @Override
    public CompletableFuture<Exit> exited(String execId) {
        var exited = new CompletableFuture<Exit>();
        var request = WaitRequest.newBuilder().setId(process(execId)).build();
        calls.<WaitResponse>begin((shim, answer) -> shim.wait(request, answer), (r, failure) -> {
            if (r != null) {
                exited.complete(new Exit(0, r.getExitStatus(), Timestamps.instant(r.getExitedAt())));
            } else if (failure != null) {
                exited.completeExceptionally(failure);
            }
        });
        return exited;
    }

    /** There is no such call: the daemon of 1.x read the cgroup itself. */
    @Override
    public Message stats() {
        throw ShimException.unimplemented("a v1 shim has no statistics");
    }

    @Override
    public void close() {
        calls.close();
    }

    private String process(String execId) {
        if (execId.equals(id)) {
            throw ShimException.notFound("process does not exist " + execId);
        }
        return execId.isEmpty() ? id : execId;
    }

    /** Before a call that names no container: an address that is wrong must not have it done to another one. */
    private void requireVerified() {
        if (!calls.isVerified()) {
            var _ = state("");
        }
    }

    /**
     * Makes a call. A v1 shim says a bare UNKNOWN for much, and if the process is in the wrong state so does a v2 shim;
     * only for a process that does not exist it says NOT_FOUND. The process is asked whether that is so, not read out
     * of the message.
     */
    private <R> R explained(String execId, Work work, Function<ShimBlockingStub, R> rpc) {
        try {
            return calls.call(work, rpc);
        } catch (ShimException e) {
            if (e.kind() == Kind.UNKNOWN && isGone(execId)) {
                throw new ShimException(Kind.NOT_FOUND, e.getMessage() == null ? "" : e.getMessage(), e);
            }
            throw e;
        }
    }

    private boolean isStopped(String execId) {
        try {
            return state(execId).status() == ProcessStatus.STOPPED;
        } catch (ShimException e) {
            return e.kind() == Kind.NOT_FOUND;
        }
    }

    /** Whether the shim knows of no such process. */
    private boolean isGone(String execId) {
        try {
            var _ = state(execId);
            return false;
        } catch (ShimException e) {
            return e.kind() == Kind.NOT_FOUND;
        }
    }
}
