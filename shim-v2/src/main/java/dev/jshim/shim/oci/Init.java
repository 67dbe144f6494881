package dev.jshim.shim.oci;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import dev.jshim.linux.ExitedChild;
import dev.jshim.linux.Fd;
import dev.jshim.linux.Processes;
import dev.jshim.linux.Terminal;
import dev.jshim.proto.v2.notes.ProcessNote;
import dev.jshim.shim.oci.InitPhase.Action;
import dev.jshim.shim.stdio.IoSettings;
import dev.jshim.shim.stdio.ProcessIo;
import dev.jshim.task.Exit;
import dev.jshim.task.News;
import dev.jshim.task.ProcessState;
import dev.jshim.task.ProcessStatus;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimLog;
import dev.jshim.task.Stdio;
import dev.jshim.task.Task.Follower;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A container's init, from its creation to its deletion, and what is done to the container as a whole: as in the Go
 * shim (cmd/containerd-shim-runc-v2/process/init.go), it is init that is paused, checkpointed and changed. Of execs it
 * knows only that some run. Thread-safe; its lock is never held across a call of the runtime.
 *
 * <p>Its exit is announced not before its start has been announced, and not while it is {@link #hold held}.
 *
 * <p>How it stands is noted before anybody can know of it, so that a process after this one can go on ({@link #begin},
 * {@link #settle}).
 */
final class Init {
    /** How long Delete waits for output that something else holds open (process/init.go delete, v2.1.4). */
    private static final Duration DRAIN = Duration.ofSeconds(2);

    /** How long Delete of a never started container waits for its init to be seen dead. */
    private static final Duration DEATH = Duration.ofSeconds(5);

    private static final String START = "start";
    private static final String PAUSE = "pause";
    private static final String RESUME = "resume";
    private static final String CHECKPOINT = "checkpoint";

    /** What the runtime says of a container that was started. */
    private static final Set<String> IS_STARTED = Set.of("running", "paused", "stopped");

    private final Container container;
    private final Stdio stdio;
    private final boolean ownPidNamespace;
    private final ProcessFile note;
    private final CompletableFuture<Exit> exited = new CompletableFuture<>();
    /** The runtime's commands that are under way and change what init does. */
    private final Set<String> doing = new TreeSet<>();

    private InitPhase phase = InitPhase.CREATED;
    private News told = News.NONE;
    private long killsTold;
    private volatile ProcessIo io;
    private volatile InitLaunch launch;
    private boolean starting;
    private boolean deleting;
    /** Whether a pause or a resume is under way: the later of two would else be undone by what is said of the first. */
    private boolean changing;

    /** Whether what init left behind is being killed: its exit is reported after that (handleInitExit, v2.1.4). */
    private boolean killing;

    /** How many execs hold the exit back. */
    private int holds;

    private @Nullable InitProcess process;
    private @Nullable Exit seenExit;

    /** That of a container that has just been created. */
    Init(Container container, Stdio stdio, ProcessIo io, InitLaunch launch, boolean ownPidNamespace) {
        this.container = container;
        this.stdio = stdio;
        this.io = io;
        this.launch = launch;
        this.ownPidNamespace = ownPidNamespace;
        note = ProcessFile.ofInit(container.notes());
        container.oom().note(this::killsTold);
        var waiting = launch.waiting();
        if (waiting != null) {
            follow(waiting);
        } else {
            synchronized (this) {
                note();
            }
        }
    }

    /**
     * One that a process before this one has left; it goes on with {@link #begin}.
     *
     * @param io its streams, or none if it is not known yet whether there is a process
     * @param launch for one that is not started yet
     */
    Init(Container container, Stdio stdio, ProcessIo io, InitLaunch launch, ProcessNote last) {
        this.container = container;
        this.stdio = stdio;
        this.io = io;
        this.launch = launch;
        note = ProcessFile.ofInit(container.notes());
        ownPidNamespace = last.getOwnPidNamespace();
        phase = InitPhase.valueOf(last.getPhase());
        doing.addAll(
                last.getDoing().isEmpty() ? List.of() : List.of(last.getDoing().split(" ", -1)));
        told = last.getExitTold() ? News.ENDED : last.getStartTold() ? News.STARTED : News.NONE;
        killsTold = last.getKillsTold();
        seenExit = last.hasExit() ? BundleFiles.exit(last.getExit()) : null;
        process = launch.waiting();
        starting = doing.contains(START) && seenExit == null;
        container.oom().note(this::killsTold);
    }

    /**
     * What a process before this one has left undone.
     *
     * @param calls of the runtime that were under way
     * @param window open since this process can hear of exits
     * @param settings what init's streams are made with
     * @param streams what is held of init's streams if it was being restored from a checkpoint
     */
    record Predecessor(
            List<RuntimeCalls.Call> calls, Reaper.Window window, IoSettings settings, Map<String, Fd> streams) {}

    private void follow(InitProcess made) {
        synchronized (this) {
            process = made;
            note();
        }
        var _ = made.ended().thenAccept(this::ended);
    }

    /** Notes how init stands; the lock is held. False if that was to be noted and could not be. */
    @CanIgnoreReturnValue
    private boolean note() {
        if (!note.isKept()) {
            return true;
        }
        var now = ProcessNote.newBuilder()
                .setPhase(phase.name())
                .setDoing(String.join(" ", doing))
                .setStartTold(told != News.NONE)
                .setExitTold(told == News.ENDED)
                .setOwnPidNamespace(ownPidNamespace)
                .setKillsTold(killsTold);
        if (process != null) {
            now.setPid(process.pid()).setStart(process.id().startTicks()).setCgroup(process.membership());
        }
        if (seenExit != null) {
            now.setExit(BundleFiles.message(seenExit));
        }
        return note.write(now.build());
    }

    private synchronized void killsTold(long kills) {
        killsTold = kills;
        note();
    }

    /** Of one that is not to be: what becomes of its process makes no note any more. */
    void noteNothing() {
        note.end();
    }

    /** What clients know of it. */
    synchronized News told() {
        return told;
    }

    /** Notes that its events have been handed on, up to this one. */
    synchronized void tell(News news) {
        if (told.compareTo(news) < 0) {
            told = news;
            note();
        }
    }

    /** See {@link dev.jshim.task.Task#forget}. */
    void forget() {
        container.notes().gone(lastExit());
        note.end();
        var last = process();
        if (last != null) {
            container.reaper().forget(last.id());
        }
    }

    private String id() {
        return container.id();
    }

    private synchronized @Nullable InitProcess process() {
        return process;
    }

    /** Its pid on the host; 0 while there is no process yet. */
    int pid() {
        var now = process();
        return now == null ? 0 : now.pid();
    }

    synchronized ProcessStatus status() {
        return phase.status();
    }

    synchronized ProcessState state() {
        var status = phase.status();
        // Not what `exited` has: that completes a moment after init is said to have stopped.
        var exit = status == ProcessStatus.STOPPED ? seenExit : null;
        return new ProcessState(id(), container.bundle(), process == null ? 0 : process.pid(), status, stdio, exit);
    }

    /** Its exit, once it is announced. */
    CompletableFuture<Exit> exited() {
        return exited;
    }

    /** Whether a process before this one has deleted it. */
    synchronized boolean isDeleted() {
        return phase == InitPhase.DELETED;
    }

    /** Announces the exit of one that a process before this one has deleted. */
    Exit endDeleted() {
        var exit = seenExit == null ? new Exit(pid(), 0, Exit.NEVER) : seenExit;
        exited.complete(exit);
        return exit;
    }

    /** Goes on with what a process before this one has left, except for what is found out by {@link #settle}. */
    void begin(Follower follower) {
        var known = process();
        if (known == null) {
            return;
        }
        if (phase != InitPhase.CREATED && told() == News.NONE) {
            follower.started("", known.pid());
        }
        if (told() != News.ENDED) {
            follower.runs("");
        }
        container.oom().open(known.cgroup());
        container.oom().since(killsTold);
        if (phase != InitPhase.CREATED) {
            container.oom().begin();
        }
        @Nullable Exit exit;
        boolean wasAnnounced;
        synchronized (this) {
            exit = seenExit;
            wasAnnounced = phase == InitPhase.STOPPED;
        }
        if (exit == null) {
            var _ = known.ended().thenAccept(this::ended);
        } else {
            ended(exit);
            if (wasAnnounced) {
                exited.complete(exit);
            }
        }
    }

    /**
     * Finds out how it stands, by what the runtime says, if a call that changes something was under way. To be called
     * once that has ended; {@link #settled} follows.
     *
     * @throws IOException if the runtime does not say
     */
    void settle(Predecessor before, Follower follower) throws IOException {
        boolean isStart;
        boolean isChange;
        synchronized (this) {
            isStart = doing.contains(START) && phase == InitPhase.CREATED;
            isChange = !doing.isEmpty() && seenExit == null;
        }
        if (isStart && process() == null) {
            settleRestore(before, follower);
        } else if (isStart) {
            settleStart(follower);
        } else if (isChange) {
            settleChange();
        } else {
            settleCreated(follower);
        }
    }

    /** That no call of a process before this one is under way any more, whatever {@link #settle} has found out. */
    void settled() {
        synchronized (this) {
            doing.clear();
            starting = false;
            note();
        }
        announce();
    }

    /** That it was started may be a note that a full tmpfs did not take. */
    private void settleCreated(Follower follower) throws IOException {
        synchronized (this) {
            if (phase != InitPhase.CREATED || process == null || seenExit != null) {
                return;
            }
        }
        var status = container.runc().status(id());
        if (status.equals("running") || status.equals("paused")) {
            settleStart(follower);
        }
    }

    private void settleStart(Follower follower) throws IOException {
        var status = container.runc().status(id());
        synchronized (this) {
            // One that was never started ends by a kill only, which is as good as a start and that kill.
            if (status.equals("created") || (seenExit == null && !IS_STARTED.contains(status))) {
                return;
            }
            phase = InitPhase.RUNNING;
            note();
        }
        follower.started("", pid());
        container.oom().begin();
    }

    private void settleChange() throws IOException {
        if (doing.contains(CHECKPOINT)) {
            Checkpoint.discard(container);
            leaveAsItWas();
            return;
        }
        var status = container.runc().status(id());
        synchronized (this) {
            if (phase == InitPhase.STOPPED) {
                return;
            }
            phase = switch (status) {
                case "paused" -> InitPhase.PAUSED;
                case "running" -> InitPhase.RUNNING;
                default -> phase == InitPhase.PAUSING ? InitPhase.RUNNING : phase;
            };
            note();
        }
    }

    /** Of a start that is to make init from a checkpoint. */
    private void settleRestore(Predecessor before, Follower follower) throws IOException {
        int pid;
        try {
            pid = BundleFiles.readPid(container.pidFile(""));
        } catch (IOException e) {
            container.discard();
            io = Container.open(stdio, before.settings(), before.streams());
            launch = launch.with(io);
            return;
        }
        var made = InitProcess.of(pid, before.window().claim(pid));
        io = ProcessIo.restore(stdio, before.settings(), before.streams());
        container.oom().open(made.cgroup());
        synchronized (this) {
            phase = InitPhase.RUNNING;
            process = made;
            note();
        }
        follower.started("", pid);
        follower.runs("");
        container.oom().begin();
        var _ = made.ended().thenAccept(this::ended);
    }

    /** Starts it. {@code started} is called with its pid before its exit can be seen. */
    void start(IntConsumer started) {
        synchronized (this) {
            phase.require(Action.START);
            if (starting || deleting) {
                var what = starting ? "running" : "deleted";
                throw new ShimException(ShimException.Kind.UNKNOWN, "cannot start a " + what + " process");
            }
            starting = true;
            doing.add(START);
            note();
        }
        try {
            var running = launch();
            var counted = container.oom().kills();
            synchronized (this) {
                phase = phase == InitPhase.CREATED ? InitPhase.RUNNING : phase;
                killsTold = Math.max(killsTold, counted);
                doing.remove(START);
                note();
            }
            started.accept(running.pid());
            container.oom().begin();
        } finally {
            synchronized (this) {
                starting = false;
                if (doing.remove(START)) {
                    note();
                }
            }
            announce();
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

    /** Holds its exit back until {@link #release}, for an exec that runs. */
    synchronized void hold() {
        holds++;
    }

    /**
     * The same for an exec that is about to be started.
     *
     * @throws ShimException FAILED_PRECONDITION if init has ended
     */
    synchronized void holdForStart() {
        if (seenExit != null) {
            throw ShimException.failedPrecondition("container " + id() + " init process is not running");
        }
        holds++;
    }

    /** One exec less holds the exit back: it has ended, and its own exit was announced, or it was not started. */
    void release() {
        synchronized (this) {
            holds--;
        }
        announce();
    }

    /** Whether it has ended and may have left processes behind, which {@link #killTheRest} ends. */
    synchronized boolean hasLeftOthers() {
        return !ownPidNamespace && seenExit != null;
    }

    private void ended(ExitedChild child) {
        ended(new Exit(child.pid(), child.exitStatus(), Instant.now()));
    }

    private void ended(Exit exit) {
        @Nullable InitProcess last;
        boolean noted;
        synchronized (this) {
            seenExit = exit;
            killing = !ownPidNamespace;
            noted = note();
            last = process;
        }
        if (last != null && noted) { // else until the container is deleted
            container.reaper().forget(last.id());
        }
        if (!ownPidNamespace) {
            killTheRest();
        }
        io.exited();
        announce();
    }

    /** In a shared pid namespace nothing dies with init by itself (task/service.go handleInitExit, v2.1.4). */
    void killTheRest() {
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

    /** Announces its exit, if there is one and nothing must come before it. */
    private void announce() {
        Exit exit;
        synchronized (this) {
            var over = phase == InitPhase.STOPPED || phase == InitPhase.DELETED;
            if (seenExit == null || starting || killing || holds > 0 || over) {
                return;
            }
            phase = InitPhase.STOPPED;
            exit = seenExit;
        }
        try {
            BundleFiles.writeExit(container.bundle(), exit);
        } catch (IOException e) {
            ShimLog.warn("cannot leave the exit in the bundle", "id", id(), "error", e.getMessage());
        }
        container.oom().check();
        exited.complete(exit);
    }

    /**
     * Deletes it from the runtime, and frees what it held.
     *
     * @param execs frees what its execs held; called when nothing can fail any more
     */
    Exit delete(Runnable execs) {
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
            execs.run();
            synchronized (this) {
                phase = InitPhase.DELETED;
                // Of one that was never started this is the first that is known of it.
                seenExit = exit;
                note();
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
            BundleFiles.forgetRuntime(container.bundle());
        } catch (IOException e) {
            ShimLog.warn("`delete` will look for the container again", "id", id(), "error", e.getMessage());
        }
    }

    /** Whether a call failed because the runtime has no such container, or not yet as before a restore. */
    private boolean isLost(ShimException failure) {
        return process() == null || container.runc().lost(id(), failure);
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

    /** The runtime's delete of a container that was never started kills its init: that exit is on its way. */
    private Exit lastExit() {
        if (process() == null) {
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

    /** See {@link InitProcess#members}. */
    List<Integer> members() throws IOException {
        var known = process();
        if (known == null) {
            // Not NotFound, for which newer daemons clean a container up that waits to be restored.
            throw new ShimException(ShimException.Kind.UNKNOWN, "container does not exist");
        }
        return known.members();
    }

    /** Metrics of its cgroup. */
    Message stats() {
        var known = process();
        if (known == null || known.cgroup() == null) {
            throw ShimException.notFound("cgroup does not exist");
        }
        try {
            return known.cgroup().stats();
        } catch (IOException e) {
            throw new ShimException(ShimException.Kind.UNKNOWN, "cannot read metrics: " + e.getMessage(), e);
        }
    }

    void pause() {
        change(
                Action.PAUSE,
                PAUSE,
                InitPhase.PAUSING,
                InitPhase.PAUSED,
                () -> container.runc().pause(id()));
    }

    void resume() {
        change(
                Action.RESUME,
                RESUME,
                null,
                InitPhase.RUNNING,
                () -> container.runc().resume(id()));
    }

    private void change(Action action, String command, @Nullable InitPhase during, InitPhase after, Runnable work) {
        InitPhase before;
        synchronized (this) {
            awaitNot(() -> changing);
            phase.require(action);
            changing = true;
            before = phase;
            phase = during == null ? phase : during;
            doing.add(command);
            note();
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
                doing.remove(command);
                note();
                changing = false;
                notifyAll();
            }
        }
    }

    void kill(int signal, boolean all) {
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
        var known = process();
        return known != null && known.signalPastRuntime(container.reaper(), signal, all);
    }

    /** A signal that failed because there is nobody left to take it says so, whatever words the runtime has for it. */
    private ShimException asGone(ShimException e) {
        // The runtime may have seen it dead before the reaper did.
        var known = process();
        var stat = known == null ? null : Processes.stat(known.pid());
        synchronized (this) {
            if (seenExit != null || (known != null && (stat == null || stat.hasEnded()))) {
                return new ShimException(ShimException.Kind.NOT_FOUND, "process already finished", e);
            }
        }
        return isLost(e) ? new ShimException(ShimException.Kind.NOT_FOUND, "no such container", e) : e;
    }

    /** @throws ShimException if no exec can be added to the container now */
    synchronized void requireExec() {
        phase.require(Action.EXEC);
        if (process == null) {
            throw new ShimException(ShimException.Kind.UNKNOWN, "cannot exec in a created state");
        }
    }

    void closeStdin() {
        io.closeStdin();
    }

    void resize(Terminal.Size size) {
        Container.resize(io, size);
    }

    void checkpoint(String path, Any options) {
        if (container.options().neverCheckpointed()) {
            throw ShimException.failedPrecondition("container " + id() + " was created with NeverCheckpointed = true;"
                    + " its output does not cross the shim, and CRIU could not dump it: create it without that option");
        }
        synchronized (this) {
            phase.require(Action.CHECKPOINT);
            doing.add(CHECKPOINT);
            note();
        }
        var checkpoint = new Checkpoint(container, CheckpointSpec.of(options));
        try {
            checkpoint.take(Path.of(path));
        } catch (ShimException e) {
            leaveAsItWas();
            throw e;
        } finally {
            synchronized (this) {
                doing.remove(CHECKPOINT);
                note();
            }
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

    void update(ByteString resources) {
        synchronized (this) {
            phase.require(Action.UPDATE);
        }
        new ResourceUpdate(container).apply(resources);
    }
}
