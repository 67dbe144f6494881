package dev.jshim.shim.oci;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import dev.jshim.linux.ExitedChild;
import dev.jshim.linux.Processes;
import dev.jshim.linux.Terminal;
import dev.jshim.shim.cgroup.Cgroup;
import dev.jshim.shim.log.ShimLog;
import dev.jshim.shim.oci.InitPhase.Action;
import dev.jshim.shim.stdio.ProcessIo;
import dev.jshim.shim.task.ExecRequest;
import dev.jshim.shim.task.Exit;
import dev.jshim.shim.task.ListedPid;
import dev.jshim.shim.task.ProcessState;
import dev.jshim.shim.task.ProcessStatus;
import dev.jshim.shim.task.Room;
import dev.jshim.shim.task.ShimException;
import dev.jshim.shim.task.Stdio;
import dev.jshim.shim.task.Task;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A container that an OCI runtime such as runc runs. Thread-safe; its lock is never held across a call of the runtime.
 *
 * <p>Init's exit is announced last: not before a start of it has been announced, and not while an exec runs or starts.
 */
final class OciTask implements Task {
    /** How long Delete waits for output that something else holds open (process/init.go delete, v2.1.4). */
    private static final Duration DRAIN = Duration.ofSeconds(2);

    /** How long Delete of a never started container waits for its init to be seen dead. */
    private static final Duration DEATH = Duration.ofSeconds(5);

    private static final Room EXECS = new Room("execs that nobody has deleted and takes no more", Room.PLACES);

    private final Container container;
    private final Stdio stdio;
    private final ProcessIo io;
    private final InitLaunch launch;
    private final boolean ownPidNamespace;
    private final Map<String, ExecProcess> execs = new HashMap<>();
    private final CompletableFuture<Exit> exited = new CompletableFuture<>();
    private InitPhase phase = InitPhase.CREATED;
    private boolean starting;
    private boolean deleting;
    /** Whether a pause or a resume is under way: the later of two would else be undone by what is said of the first. */
    private boolean changing;

    /** Whether what init left behind is being killed: its exit is told after that (handleInitExit, v2.1.4). */
    private boolean killing;

    private int runningExecs;
    private @Nullable InitProcess init;
    private @Nullable Exit seenExit;

    OciTask(Container container, Stdio stdio, ProcessIo io, InitLaunch launch, boolean ownPidNamespace) {
        this.container = container;
        this.stdio = stdio;
        this.io = io;
        this.launch = launch;
        this.ownPidNamespace = ownPidNamespace;
        var waiting = launch.waiting();
        if (waiting != null) {
            follow(waiting);
        }
    }

    private void follow(InitProcess process) {
        synchronized (this) {
            init = process;
        }
        var _ = process.ended().thenAccept(this::initEnded);
    }

    private synchronized @Nullable InitProcess init() {
        return init;
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
        var process = init();
        return process == null ? 0 : process.pid();
    }

    @Override
    public ProcessState state(String execId) {
        InitPhase now;
        @Nullable Exit exit;
        synchronized (this) {
            now = phase;
            // Not what `exited` has: that completes a moment after init is said to have stopped.
            exit = now.status() == ProcessStatus.STOPPED ? seenExit : null;
        }
        return execId.isEmpty()
                ? new ProcessState(id(), bundle(), pid(), now.status(), stdio, exit)
                : exec(execId).state(now.status());
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
        if (execId.isEmpty()) {
            startInit(started);
        } else {
            startExec(execId, started);
        }
    }

    private void startInit(IntConsumer started) {
        synchronized (this) {
            phase.require(Action.START);
            if (starting || deleting) {
                var what = starting ? "running" : "deleted";
                throw new ShimException(ShimException.Kind.UNKNOWN, "cannot start a " + what + " process");
            }
            starting = true;
        }
        try {
            var running = launch();
            synchronized (this) {
                phase = phase == InitPhase.CREATED ? InitPhase.RUNNING : phase;
            }
            started.accept(running.pid());
            container.oom().begin();
        } finally {
            synchronized (this) {
                starting = false;
            }
            settle();
        }
    }

    private InitProcess launch() {
        var before = launch.waiting();
        if (before != null) {
            container.oom().open(before.cgroup());
        }
        var running = launch.launch();
        if (before == null) {
            container.oom().open(running.cgroup());
            follow(running);
        }
        return running;
    }

    private void startExec(String execId, IntConsumer started) {
        ExecProcess exec;
        synchronized (this) {
            if (seenExit != null) {
                throw ShimException.failedPrecondition("container " + id() + " init process is not running");
            }
            exec = exec(execId);
            runningExecs++;
        }
        var running = false;
        try {
            exec.start(started);
            endIfLeftOver(exec);
            running = true;
            var _ = exec.exited().whenComplete((_, _) -> execEnded());
        } finally {
            if (!running) {
                execEnded();
            }
        }
    }

    /**
     * One that was being started when init ended, and the rest was killed, is part of the rest, and so is what it has
     * started by now.
     */
    private void endIfLeftOver(ExecProcess exec) {
        synchronized (this) {
            if (ownPidNamespace || seenExit == null) {
                return;
            }
        }
        try {
            exec.kill(Processes.SIGKILL);
        } catch (ShimException e) {
            ShimLog.debug("ended by itself", "id", id(), "exec_id", exec.id(), "error", e.getMessage());
        }
        killTheRest();
    }

    private void execEnded() {
        synchronized (this) {
            runningExecs--;
        }
        settle();
    }

    private void initEnded(ExitedChild child) {
        synchronized (this) {
            seenExit = new Exit(child.pid(), child.exitStatus(), Instant.now());
            killing = !ownPidNamespace;
        }
        if (!ownPidNamespace) {
            killTheRest();
        }
        io.exited();
        settle();
    }

    /** In a shared pid namespace nothing dies with init by itself (task/service.go handleInitExit, v2.1.4). */
    private void killTheRest() {
        try {
            container.runc().kill(id(), Processes.SIGKILL, true);
        } catch (ShimException e) {
            ShimLog.debug("nothing left to kill with init", "id", id(), "error", e.getMessage());
        } finally {
            synchronized (this) {
                killing = false;
            }
        }
    }

    /** Announces init's exit, if it is there and nothing must come before it. */
    private void settle() {
        Exit exit;
        synchronized (this) {
            var over = phase == InitPhase.STOPPED || phase == InitPhase.DELETED;
            if (seenExit == null || starting || killing || runningExecs > 0 || over) {
                return;
            }
            phase = InitPhase.STOPPED;
            exit = seenExit;
        }
        try {
            BundleFiles.writeExit(bundle(), exit);
        } catch (IOException e) {
            ShimLog.warn("cannot leave the exit in the bundle", "id", id(), "error", e.getMessage());
        }
        container.oom().check();
        exited.complete(exit);
    }

    @Override
    public Exit delete(String execId) {
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
        var hasRun = beginDelete();
        try {
            if (hasRun) {
                io.awaitDrained(DRAIN);
            }
            container.oom().close();
            deleteFromRuntime();
            var exit = lastExit();
            io.close();
            unmount();
            endExecs();
            synchronized (this) {
                phase = InitPhase.DELETED;
            }
            return exit;
        } finally {
            synchronized (this) {
                deleting = false;
                notifyAll();
            }
        }
    }

    /** It may have lost the container already, as after a checkpoint that was its end. */
    private void deleteFromRuntime() {
        try {
            container.runc().delete(id(), false);
        } catch (ShimException e) {
            if (!isLost(e)) {
                throw e;
            }
        }
        try {
            BundleFiles.forgetRuntime(bundle());
        } catch (IOException e) {
            ShimLog.warn("`delete` will look for the container again", "id", id(), "error", e.getMessage());
        }
    }

    /** Whether a call failed because the runtime has no such container, or not yet as before a restore. */
    private boolean isLost(ShimException failure) {
        return init() == null || container.runc().lost(id(), failure);
    }

    /**
     * One at a time: who comes second waits, and then finds the container deleted, or tries what the first could not.
     * Answers whether init has run, and not only been created.
     */
    private synchronized boolean beginDelete() {
        awaitNot(() -> deleting);
        phase.require(Action.DELETE);
        if (starting) {
            throw new ShimException(ShimException.Kind.UNKNOWN, "cannot delete a container that is being started");
        }
        deleting = true;
        return phase == InitPhase.STOPPED;
    }

    private synchronized void awaitNot(BooleanSupplier condition) {
        while (condition.getAsBoolean()) {
            try {
                wait();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new ShimException(ShimException.Kind.UNAVAILABLE, "interrupted", e);
            }
        }
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

    /** The runtime's delete of a container that was never started kills its init: that exit is on its way. */
    private Exit lastExit() {
        if (init() == null) {
            return new Exit(0, 0, Exit.NEVER); // To be restored, and never was.
        }
        try {
            return exited.get(DEATH.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException | ExecutionException e) {
            ShimLog.warn("init was deleted but its exit was not seen", "id", id(), "pid", pid());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        synchronized (this) {
            return seenExit == null ? new Exit(pid(), 137, Instant.now()) : seenExit;
        }
    }

    private void unmount() {
        try {
            container.rootfs().unmount();
        } catch (IOException e) {
            ShimLog.warn("failed to unmount rootfs", "id", id(), "error", e.getMessage());
            throw new ShimException(ShimException.Kind.UNKNOWN, "failed rootfs umount: " + e.getMessage(), e);
        }
    }

    @Override
    public List<ListedPid> pids() {
        Map<Integer, String> execIds = new HashMap<>();
        synchronized (this) {
            execs.values().forEach(exec -> execIds.put(exec.pid(), exec.id()));
        }
        List<ListedPid> listed = new ArrayList<>();
        try {
            for (var member : members()) {
                listed.add(new ListedPid(member, execIds.getOrDefault(member, "")));
            }
        } catch (IOException e) {
            throw new ShimException(ShimException.Kind.UNKNOWN, "cannot list processes: " + e.getMessage(), e);
        }
        return listed;
    }

    private List<Integer> members() throws IOException {
        var cgroup = knownCgroup();
        if (cgroup == null) {
            // Not NotFound, for which newer daemons clean a container up that waits to be restored.
            throw new ShimException(ShimException.Kind.UNKNOWN, "container does not exist");
        }
        return cgroup.pids();
    }

    private Cgroup cgroup() {
        var cgroup = knownCgroup();
        if (cgroup == null) {
            throw ShimException.notFound("cgroup does not exist");
        }
        return cgroup;
    }

    private @Nullable Cgroup knownCgroup() {
        var process = init();
        return process == null ? null : process.cgroup();
    }

    @Override
    public void pause() {
        change(
                Action.PAUSE,
                InitPhase.PAUSING,
                InitPhase.PAUSED,
                () -> container.runc().pause(id()));
    }

    @Override
    public void resume() {
        change(Action.RESUME, null, InitPhase.RUNNING, () -> container.runc().resume(id()));
    }

    private void change(Action action, @Nullable InitPhase during, InitPhase after, Runnable work) {
        InitPhase before;
        synchronized (this) {
            awaitNot(() -> changing);
            phase.require(action);
            changing = true;
            before = phase;
            phase = during == null ? phase : during;
        }
        var done = false;
        try {
            work.run();
            done = true;
        } finally {
            synchronized (this) {
                // It may have died meanwhile: an end is never undone.
                if (phase != InitPhase.STOPPED && phase != InitPhase.DELETED) {
                    phase = done ? after : before;
                }
                changing = false;
                notifyAll();
            }
        }
    }

    @Override
    public void kill(String execId, int signal, boolean all) {
        if (!execId.isEmpty()) {
            exec(execId).kill(signal);
            return;
        }
        synchronized (this) {
            // Whoever shared init's pid namespace, and outlived it, is still to be reached.
            if (!all || phase != InitPhase.STOPPED) {
                phase.require(Action.KILL);
            }
        }
        if (signalPastRuntime(signal, all)) {
            return;
        }
        try {
            container.runc().kill(id(), signal, all);
        } catch (ShimException e) {
            if (!signalPastRuntime(signal, all)) {
                throw asGone(e);
            }
        }
    }

    private boolean signalPastRuntime(int signal, boolean all) {
        var process = init();
        return process != null && process.signalPastRuntime(container.reaper(), signal, all);
    }

    /** A signal that failed because there is nobody left to take it says so, whatever words the runtime has for it. */
    private ShimException asGone(ShimException e) {
        // The runtime may have seen it dead before the reaper did.
        var process = init();
        var stat = process == null ? null : Processes.stat(process.pid());
        synchronized (this) {
            if (seenExit != null || (process != null && (stat == null || stat.hasEnded()))) {
                return new ShimException(ShimException.Kind.NOT_FOUND, "process already finished", e);
            }
        }
        return isLost(e) ? new ShimException(ShimException.Kind.NOT_FOUND, "no such container", e) : e;
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
            }
        } catch (RuntimeException e) {
            EXECS.give();
            if (exec != null) {
                exec.close();
            }
            throw e;
        }
    }

    private synchronized void requireNew(String execId) {
        if (execs.containsKey(execId)) {
            // containerd 2.x shows the text alone, without the code.
            throw ShimException.alreadyExists("id " + execId + ": already exists");
        }
        phase.require(Action.EXEC);
        if (init == null) {
            throw new ShimException(ShimException.Kind.UNKNOWN, "cannot exec in a created state");
        }
    }

    @Override
    public void closeStdin(String execId) {
        if (execId.isEmpty()) {
            io.closeStdin();
        } else {
            exec(execId).closeStdin();
        }
    }

    @Override
    public CompletableFuture<Exit> exited(String execId) {
        return execId.isEmpty() ? exited.copy() : exec(execId).exited().copy();
    }

    @Override
    public Message stats() {
        try {
            return cgroup().stats();
        } catch (IOException e) {
            throw new ShimException(ShimException.Kind.UNKNOWN, "cannot read metrics: " + e.getMessage(), e);
        }
    }

    @Override
    public void resize(String execId, int width, int height) {
        var size = new Terminal.Size(width, height);
        if (execId.isEmpty()) {
            Container.resize(io, size);
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
        synchronized (this) {
            phase.require(Action.CHECKPOINT);
        }
        var checkpoint = new Checkpoint(container, CheckpointSpec.of(options));
        try {
            checkpoint.take(Path.of(path));
        } catch (ShimException e) {
            leaveAsItWas();
            throw e;
        }
    }

    /** CRIU freezes and thaws what it writes down; one that died over it, or was killed, leaves that as it is. */
    private void leaveAsItWas() {
        InitPhase before;
        synchronized (this) {
            awaitNot(() -> changing);
            before = phase;
            if (before != InitPhase.RUNNING && before != InitPhase.PAUSED) {
                return;
            }
            changing = true;
        }
        var now = before;
        try {
            now = switch (container.runc().status(id())) {
                case "running" -> InitPhase.RUNNING;
                case "paused" -> InitPhase.PAUSED;
                default -> before;
            };
            if (now != before) {
                ShimLog.warn("a failed checkpoint left it " + now.status(), "id", id());
                if (before == InitPhase.RUNNING) {
                    container.runc().resume(id());
                } else {
                    container.runc().pause(id());
                }
                now = before;
            }
        } catch (IOException | ShimException e) {
            ShimLog.error("cannot make it " + before.status() + " again", "id", id(), "error", e.getMessage());
        } finally {
            synchronized (this) {
                // As it is: a client can then resume it.
                phase = phase == before ? now : phase;
                changing = false;
                notifyAll();
            }
        }
    }

    /** The annotations are a matter of sandboxes, runc has no use for them (runc/container.go Update, v2.1.4). */
    @Override
    public void update(ByteString resources, Map<String, String> annotations) {
        synchronized (this) {
            phase.require(Action.UPDATE);
        }
        new ResourceUpdate(container).apply(resources);
    }
}
