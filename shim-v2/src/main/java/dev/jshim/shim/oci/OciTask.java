package dev.jshim.shim.oci;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import dev.jshim.linux.Processes;
import dev.jshim.linux.Terminal;
import dev.jshim.shim.task.Room;
import dev.jshim.task.ExecRequest;
import dev.jshim.task.Exit;
import dev.jshim.task.LastingTask;
import dev.jshim.task.ListedPid;
import dev.jshim.task.News;
import dev.jshim.task.ProcessState;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimLog;
import dev.jshim.task.Task.Follower;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A container that an OCI runtime such as runc runs: its init, and its execs. Thread-safe; no lock is held across a
 * call of the runtime.
 *
 * <p>What a call of the runtime that a process before this one had begun has done is found out after {@link #begin};
 * until that is known calls that change something wait, but for a kill.
 */
final class OciTask implements LastingTask {
    private static final Room EXECS = new Room("execs that nobody has deleted and takes no more", Room.PLACES);

    private final Container container;
    private final Init init;
    private final Map<String, ExecProcess> execs = new HashMap<>();
    private final CompletableFuture<Void> settled;
    private final Init.@Nullable Predecessor predecessor;

    /** A container that has just been created. */
    OciTask(Container container, Init init) {
        this.container = container;
        this.init = init;
        settled = CompletableFuture.completedFuture(null);
        predecessor = null;
    }

    /** A container that a process before this one has left; it goes on with {@link #begin}. */
    OciTask(Container container, Init init, Map<String, ExecProcess> execs, Init.Predecessor predecessor) {
        this.container = container;
        this.init = init;
        this.predecessor = predecessor;
        settled = new CompletableFuture<>();
        for (var exec : execs.entrySet()) {
            this.execs.put(exec.getKey(), exec.getValue());
            EXECS.take();
        }
    }

    @Override
    public String id() {
        return container.id();
    }

    @Override
    public Path bundle() {
        return container.bundle();
    }

    @Override
    public int pid() {
        return init.pid();
    }

    @Override
    public News told(String execId) {
        return execId.isEmpty() ? init.told() : exec(execId).told();
    }

    @Override
    public void tell(String execId, News news) {
        if (execId.isEmpty()) {
            init.tell(news);
            return;
        }
        ExecProcess exec;
        synchronized (this) {
            exec = execs.get(execId);
        }
        if (exec != null) {
            exec.tell(news);
        }
    }

    @Override
    public void forget() {
        init.forget();
    }

    @Override
    public @Nullable Exit deletedExec(String execId) {
        return execId.isEmpty() ? null : container.notes().readGone(execId);
    }

    @Override
    public ProcessState settled(String execId) {
        awaitSettled();
        return state(execId);
    }

    private void awaitSettled() {
        settled.join();
    }

    @Override
    public void startedBefore(String execId, int pid, IntConsumer started) {
        started.accept(pid);
    }

    @Override
    public void begin(Follower follower) {
        var before = predecessor;
        if (before == null) {
            return;
        }
        if (init.isDeleted()) {
            endDeletion(follower);
            before.window().close();
            settled.complete(null);
            return;
        }
        List<ExecProcess> known;
        synchronized (this) {
            known = List.copyOf(execs.values());
        }
        known.stream().filter(ExecProcess::isUnderWay).forEach(_ -> init.hold());
        for (var exec : known) {
            if (exec.hasRun()) {
                announce(exec, follower);
                if (exec.isUnderWay()) {
                    var _ = exec.exited().whenComplete((_, _) -> init.release());
                }
            }
        }
        init.begin(follower);
        known.forEach(ExecProcess::begin);
        Thread.ofVirtual().name("settle-" + id()).start(() -> settle(before, follower));
    }

    private static void announce(ExecProcess exec, Follower follower) {
        if (exec.told() == News.NONE) {
            follower.started(exec.id(), exec.pid());
        }
        if (exec.told() != News.ENDED) {
            follower.runs(exec.id());
        }
    }

    /** All that is left of a deletion is to report it. */
    private void endDeletion(Follower follower) {
        var exit = init.endDeleted();
        List<ExecProcess> untold;
        synchronized (this) {
            untold = List.copyOf(execs.values());
        }
        for (var exec : untold) {
            if (exec.hasRun()) {
                announce(exec, follower);
                exec.begin();
            }
        }
        if (pid() != 0 && init.told() != News.ENDED) {
            follower.runs("");
        }
        endExecs();
        follower.deleted(exit);
    }

    private void settle(Init.Predecessor before, Follower follower) {
        try (var window = before.window()) {
            container.runc().await(before.calls());
            try {
                init.settle(before, follower);
            } catch (IOException | RuntimeException e) {
                // Execs are settled all the same: who waits for them waits for good else.
                ShimLog.error("the state of init is unknown", "id", id(), "error", e);
            }
            List<ExecProcess> started;
            synchronized (this) {
                started = List.copyOf(execs.values());
            }
            for (var exec : started) {
                var wasUnderWay = exec.isUnderWay();
                if (exec.settle(window)) {
                    announce(exec, follower);
                    var _ = exec.exited().whenComplete((_, _) -> init.release());
                    exec.follow();
                    endIfLeftOver(exec);
                } else if (wasUnderWay && !exec.isUnderWay() && !exec.hasRun()) {
                    init.release();
                }
            }
        } catch (RuntimeException e) {
            ShimLog.error("the state of a container is unknown", "id", id(), "error", e);
        } finally {
            try {
                init.settled();
            } finally {
                settled.complete(null);
            }
        }
    }

    @Override
    public ProcessState state(String execId) {
        return execId.isEmpty() ? init.state() : exec(execId).state(init.status());
    }

    private synchronized ExecProcess exec(String execId) {
        var exec = execs.get(execId);
        if (exec == null) {
            throw ShimException.notFound("process does not exist " + execId);
        }
        return exec;
    }

    @Override
    public void start(String execId, IntConsumer started) {
        awaitSettled();
        if (execId.isEmpty()) {
            init.start(started);
        } else {
            startExec(execId, started);
        }
    }

    private void startExec(String execId, IntConsumer started) {
        init.holdForStart();
        var running = false;
        try {
            var exec = exec(execId);
            exec.start(started);
            endIfLeftOver(exec);
            running = true;
            var _ = exec.exited().whenComplete((_, _) -> init.release());
        } finally {
            if (!running) {
                init.release();
            }
        }
    }

    /**
     * One that was being started when init ended, and the rest was killed, is part of the rest, and so is what it has
     * started by now.
     */
    private void endIfLeftOver(ExecProcess exec) {
        if (!init.hasLeftOthers()) {
            return;
        }
        try {
            exec.kill(Processes.SIGKILL);
        } catch (ShimException e) {
            ShimLog.debug("ended by itself", "id", id(), "exec_id", exec.id(), "error", e.getMessage());
        }
        init.killTheRest();
    }

    @Override
    public Exit delete(String execId) {
        awaitSettled();
        if (!execId.isEmpty()) {
            var exec = exec(execId);
            var exit = exec.delete();
            boolean isGone;
            synchronized (this) {
                isGone = execs.remove(execId, exec);
            }
            if (isGone) {
                EXECS.give();
            }
            return exit;
        }
        return init.delete(this::endExecs);
    }

    /** Clients need not delete an exec: what it holds goes with its container. */
    private void endExecs() {
        List<ExecProcess> left;
        synchronized (this) {
            left = List.copyOf(execs.values());
            execs.clear();
        }
        left.forEach(_ -> EXECS.give());
        // Side by side: each may have a logger that takes its time.
        try (var each = Executors.newVirtualThreadPerTaskExecutor()) {
            left.forEach(exec -> each.execute(exec::close));
        }
    }

    /**
     * The container's processes; of one that has ended, and is not deleted, its init. containerd 1.7 and 2.x take an
     * empty list for a leaked task when they start, and clean it up with the exit code of what ended while they were
     * away (core/runtime/v2/shim_load.go, v2.1.9).
     */
    @Override
    public List<ListedPid> pids() {
        Map<Integer, String> execIds = new HashMap<>();
        synchronized (this) {
            execs.values().forEach(exec -> execIds.put(exec.pid(), exec.id()));
        }
        List<ListedPid> listed = new ArrayList<>();
        try {
            for (var member : init.members()) {
                listed.add(new ListedPid(member, execIds.getOrDefault(member, "")));
            }
        } catch (IOException e) {
            throw new ShimException(ShimException.Kind.UNKNOWN, "cannot list processes: " + e.getMessage(), e);
        }
        return listed;
    }

    @Override
    public void pause() {
        awaitSettled();
        init.pause();
    }

    @Override
    public void resume() {
        awaitSettled();
        init.resume();
    }

    @Override
    public void kill(String execId, int signal, boolean all) {
        if (execId.isEmpty()) {
            init.kill(signal, all);
        } else {
            exec(execId).kill(signal);
        }
    }

    @Override
    public void exec(ExecRequest request) {
        requireNew(request.execId());
        EXECS.take();
        @Nullable ExecProcess exec = null;
        try {
            exec = ExecProcess.of(container, request);
            synchronized (this) {
                requireNew(request.execId());
                execs.put(request.execId(), exec);
                exec.added();
            }
        } catch (RuntimeException e) {
            EXECS.give();
            if (exec != null) {
                synchronized (this) {
                    execs.remove(request.execId(), exec);
                }
                exec.discard();
            }
            throw e;
        }
    }

    private synchronized void requireNew(String execId) {
        if (execs.containsKey(execId)) {
            // containerd 2.x shows the text alone, without the code.
            throw ShimException.alreadyExists("id " + execId + ": already exists");
        }
        init.requireExec();
    }

    @Override
    public void closeStdin(String execId) {
        if (execId.isEmpty()) {
            init.closeStdin();
        } else {
            exec(execId).closeStdin();
        }
    }

    @Override
    public CompletableFuture<Exit> exited(String execId) {
        return execId.isEmpty() ? init.exited().copy() : exec(execId).exited().copy();
    }

    @Override
    public Message stats() {
        return init.stats();
    }

    @Override
    public void resize(String execId, int width, int height) {
        var size = new Terminal.Size(width, height);
        if (execId.isEmpty()) {
            init.resize(size);
        } else {
            exec(execId).resize(size);
        }
    }

    @Override
    public void onOom(Runnable told) {
        container.oom().tell(told);
    }

    @Override
    public void checkpoint(String path, Any options) {
        awaitSettled();
        init.checkpoint(path, options);
    }

    /** The annotations are a matter of sandboxes, runc has no use for them (runc/container.go Update, v2.1.4). */
    @Override
    public void update(ByteString resources, Map<String, String> annotations) {
        awaitSettled();
        init.update(resources);
    }
}
