package dev.jshim.shim.task;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import dev.jshim.linux.Processes;
import dev.jshim.task.ExecRequest;
import dev.jshim.task.Exit;
import dev.jshim.task.LastingTask;
import dev.jshim.task.ListedPid;
import dev.jshim.task.News;
import dev.jshim.task.ProcessState;
import dev.jshim.task.ProcessStatus;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimException.Kind;
import dev.jshim.task.Task;
import dev.jshim.ttrpc.TtrpcServer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A task for calls that a process had begun which died over them: what has been done is not done twice, and what has
 * not been done is done now. If it is not known which, the call fails with UNAVAILABLE, once. All other calls go
 * straight on. Thread-safe.
 */
public record RepeatedTask(LastingTask task) implements Task {
    /** Signals that mean the same when they come twice: none, KILL, CONT, STOP and WINCH. */
    private static final Set<Integer> HARMLESS_TWICE = Set.of(0, Processes.SIGKILL, 18, 19, 28);

    @Override
    public String id() {
        return task.id();
    }

    @Override
    public Path bundle() {
        return task.bundle();
    }

    @Override
    public int pid() {
        return task.pid();
    }

    @Override
    public ProcessState state(String execId) {
        return task.state(execId);
    }

    /** What exists by that id; null outside of a repeated call, and if nothing does. */
    private @Nullable ProcessState found(String execId) {
        if (!TtrpcServer.isRepeated()) {
            return null;
        }
        try {
            return task.settled(execId);
        } catch (ShimException e) {
            if (e.kind() == Kind.NOT_FOUND) {
                return null;
            }
            throw e;
        }
    }

    private static boolean is(@Nullable ProcessState state, ProcessStatus status) {
        return state != null && state.status() == status;
    }

    @Override
    public void start(String execId, IntConsumer started) {
        var found = found(execId);
        if (found == null || found.status() == ProcessStatus.CREATED) {
            task.start(execId, started);
        } else {
            task.startedBefore(execId, found.pid(), started);
        }
    }

    @Override
    public void exec(ExecRequest request) {
        var found = found(request.execId());
        if (found == null) {
            task.exec(request);
        } else if (!found.stdio().equals(request.stdio())) {
            throw ShimException.alreadyExists("exec " + request.execId() + " exists");
        }
    }

    @Override
    public void kill(String execId, int signal, boolean all) {
        if (!TtrpcServer.isRepeated() || HARMLESS_TWICE.contains(signal)) {
            try {
                task.kill(execId, signal, all);
            } catch (ShimException e) {
                if (!TtrpcServer.isRepeated() || e.kind() != Kind.NOT_FOUND) {
                    throw e;
                }
                // The first one has ended it.
            }
            return;
        }
        var found = found(execId);
        if (found != null && found.status() != ProcessStatus.STOPPED) {
            throw unknown("signal " + signal + " may have been sent; send it again if it has no effect");
        }
    }

    private static ShimException unknown(String what) {
        return new ShimException(Kind.UNAVAILABLE, "the shim was restarted during the call: " + what, null);
    }

    @Override
    public Exit delete(String execId) {
        try {
            return task.delete(execId);
        } catch (ShimException e) {
            return deletedBefore(execId, e);
        }
    }

    /** The exit of an exec that no longer exists, because the first call has deleted it. */
    private Exit deletedBefore(String execId, ShimException failure) {
        var isGone = TtrpcServer.isRepeated() && failure.kind() == Kind.NOT_FOUND;
        var exit = isGone ? task.deletedExec(execId) : null;
        if (exit == null) {
            throw failure;
        }
        return exit;
    }

    @Override
    public void pause() {
        if (!is(found(""), ProcessStatus.PAUSED)) {
            task.pause();
        }
    }

    @Override
    public void resume() {
        if (!is(found(""), ProcessStatus.RUNNING)) {
            task.resume();
        }
    }

    @Override
    public void checkpoint(String path, Any options) {
        if (TtrpcServer.isRepeated()) {
            var _ = found(""); // It may be under way still.
            throw unknown("look at the checkpoint in " + path + " before you use it");
        }
        task.checkpoint(path, options);
    }

    @Override
    public void resize(String execId, int width, int height) {
        task.resize(execId, width, height);
    }

    @Override
    public void closeStdin(String execId) {
        try {
            task.closeStdin(execId);
        } catch (ShimException e) {
            // A v1 shim fails to close what is closed, with a bare UNKNOWN.
            if (!TtrpcServer.isRepeated() || e.kind() != Kind.UNKNOWN) {
                throw e;
            }
        }
    }

    @Override
    public void update(ByteString resources, Map<String, String> annotations) {
        task.update(resources, annotations);
    }

    @Override
    public List<ListedPid> pids() {
        return task.pids();
    }

    @Override
    public CompletableFuture<Exit> exited(String execId) {
        if (!execId.isEmpty()) {
            // Its start may be under way: a v1 shim says nothing of it meanwhile.
            var _ = found(execId);
        }
        try {
            return task.exited(execId);
        } catch (ShimException e) {
            return CompletableFuture.completedFuture(deletedBefore(execId, e));
        }
    }

    @Override
    public void onOom(Runnable told) {
        task.onOom(told);
    }

    @Override
    public News told(String execId) {
        return task.told(execId);
    }

    @Override
    public void tell(String execId, News news) {
        task.tell(execId, news);
    }

    @Override
    public void begin(Follower follower) {
        task.begin(follower);
    }

    @Override
    public void forget() {
        task.forget();
    }

    @Override
    public Message stats() {
        return task.stats();
    }
}
