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
import dev.jshim.shim.cgroup.Cgroup;
import dev.jshim.shim.oci.InitPhase.Action;
import dev.jshim.shim.stdio.IoSettings;
import dev.jshim.shim.stdio.ProcessIo;
import dev.jshim.shim.task.Room;
import dev.jshim.task.ExecRequest;
import dev.jshim.task.Exit;
import dev.jshim.task.LastingTask;
import dev.jshim.task.ListedPid;
import dev.jshim.task.News;
import dev.jshim.task.ProcessState;
import dev.jshim.task.ProcessStatus;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimLog;
import dev.jshim.task.Stdio;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
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
 *
 * <p>How the container stands is noted before anybody can know of it, so that a process after this one can go on
 * ({@link #begin}). What a call of the runtime that nobody waits for any more has done is found out then; until that is
 * known calls that change something wait, but for a kill.
 */
final class OciTask implements LastingTask {
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

    private static final Room EXECS = new Room("execs that nobody has deleted and takes no more", Room.PLACES);

    private final Container container;
    private final Stdio stdio;
    private final boolean ownPidNamespace;
    private final ProcessFile note;
    private final Map<String, ExecProcess> execs = new HashMap<>();
    private final CompletableFuture<Exit> exited = new CompletableFuture<>();
    private final CompletableFuture<Void> settled;
    /** The runtime's commands that are under way and change what init does. */
    private final Set<String> doing = new TreeSet<>();

    private final @Nullable Predecessor predecessor;
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

    private int runningExecs;
    private @Nullable InitProcess init;
    private @Nullable Exit seenExit;

    /** A container that has just been created. */
    OciTask(Container container, Stdio stdio, ProcessIo io, InitLaunch launch, boolean ownPidNamespace) {
        this.container = container;
        this.stdio = stdio;
        this.io = io;
        this.launch = launch;
        this.ownPidNamespace = ownPidNamespace;
        note = ProcessFile.ofInit(container.notes());
        settled = CompletableFuture.completedFuture(null);
        predecessor = null;
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
     * A container that a process before this one has left; it goes on with {@link #begin}.
     *
     * @param io init's streams, or none if it is not known yet whether there is an init
     * @param launch for a container that is not started yet
     */
    OciTask(
            Container container,
            Stdio stdio,
            ProcessIo io,
            InitLaunch launch,
            ProcessNote last,
            Map<String, ExecProcess> execs,
            Predecessor predecessor) {
        this.container = container;
        this.stdio = stdio;
        this.io = io;
        this.launch = launch;
        this.predecessor = predecessor;
        note = ProcessFile.ofInit(container.notes());
        settled = new CompletableFuture<>();
        ownPidNamespace = last.getOwnPidNamespace();
        phase = InitPhase.valueOf(last.getPhase());
        doing.addAll(
                last.getDoing().isEmpty() ? List.of() : List.of(last.getDoing().split(" ", -1)));
        told = last.getExitTold() ? News.ENDED : last.getStartTold() ? News.STARTED : News.NONE;
        killsTold = last.getKillsTold();
        seenExit = last.hasExit() ? BundleFiles.exit(last.getExit()) : null;
        init = launch.waiting();
        starting = doing.contains(START) && seenExit == null;
        for (var exec : execs.entrySet()) {
            this.execs.put(exec.getKey(), exec.getValue());
            EXECS.take();
        }
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

    private void follow(InitProcess process) {
        synchronized (this) {
            init = process;
            note();
        }
        var _ = process.ended().thenAccept(this::initEnded);
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
        if (init != null) {
            now.setPid(init.pid()).setStart(init.id().startTicks()).setCgroup(init.membership());
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

    @Override
    public News told(String execId) {
        if (!execId.isEmpty()) {
            return exec(execId).told();
        }
        synchronized (this) {
            return told;
        }
    }

    @Override
    public void tell(String execId, News news) {
        if (!execId.isEmpty()) {
            ExecProcess exec;
            synchronized (this) {
                exec = execs.get(execId);
            }
            if (exec != null) {
                exec.tell(news);
            }
            return;
        }
        synchronized (this) {
            if (told.compareTo(news) < 0) {
                told = news;
                note();
            }
        }
    }

    @Override
    public void forget() {
        container.notes().gone(lastExit());
        note.end();
        @Nullable InitProcess process;
        synchronized (this) {
            process = init;
        }
        if (process != null) {
            container.reaper().forget(process.id());
        }
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
        if (phase == InitPhase.DELETED) {
            endDeletion(follower);
            before.window().close();
            settled.complete(null);
            return;
        }
        List<ExecProcess> known;
        synchronized (this) {
            known = List.copyOf(execs.values());
            runningExecs = (int) known.stream().filter(ExecProcess::isUnderWay).count();
        }
        for (var exec : known) {
            if (exec.hasRun()) {
                announce(exec, follower);
                if (exec.isUnderWay()) {
                    var _ = exec.exited().whenComplete((_, _) -> execEnded());
                }
            }
        }
        var process = init();
        if (process != null) {
            beginInit(process, follower);
        }
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

    private void beginInit(InitProcess process, Follower follower) {
        if (phase != InitPhase.CREATED && told("") == News.NONE) {
            follower.started("", process.pid());
        }
        if (told("") != News.ENDED) {
            follower.runs("");
        }
        container.oom().open(process.cgroup());
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
            var _ = process.ended().thenAccept(this::initEnded);
        } else {
            initEnded(exit);
            if (wasAnnounced) {
                exited.complete(exit);
            }
        }
    }

    /** What is left of a deletion is to tell of it. */
    private void endDeletion(Follower follower) {
        var exit = seenExit == null ? new Exit(pid(), 0, Exit.NEVER) : seenExit;
        exited.complete(exit);
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
        if (pid() != 0 && told("") != News.ENDED) {
            follower.runs("");
        }
        endExecs();
        follower.deleted(exit);
    }

    private void settle(Predecessor before, Follower follower) {
        try (var window = before.window()) {
            container.runc().await(before.calls());
            try {
                settleInit(before, follower);
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
                    var _ = exec.exited().whenComplete((_, _) -> execEnded());
                    exec.follow();
                    endIfLeftOver(exec);
                } else if (wasUnderWay && !exec.isUnderWay() && !exec.hasRun()) {
                    execEnded();
                }
            }
        } catch (RuntimeException e) {
            ShimLog.error("the state of a container is unknown", "id", id(), "error", e);
        } finally {
            try {
                synchronized (this) {
                    doing.clear();
                    starting = false;
                    note();
                }
                settle();
            } finally {
                settled.complete(null);
            }
        }
    }

    /** By what the runtime says, if a call that changes something was under way. */
    private void settleInit(Predecessor before, Follower follower) throws IOException {
        boolean isStart;
        boolean isChange;
        synchronized (this) {
            isStart = doing.contains(START) && phase == InitPhase.CREATED;
            isChange = !doing.isEmpty() && seenExit == null;
        }
        if (isStart && init() == null) {
            settleRestore(before, follower);
        } else if (isStart) {
            settleStart(follower);
        } else if (isChange) {
            settleChange();
        } else {
            settleCreated(follower);
        }
    }

    /** That it was started may be a note that a full tmpfs did not take. */
    private void settleCreated(Follower follower) throws IOException {
        synchronized (this) {
            if (phase != InitPhase.CREATED || init == null || seenExit != null) {
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
        var process = InitProcess.of(pid, before.window().claim(pid));
        io = ProcessIo.restore(stdio, before.settings(), before.streams());
        container.oom().open(process.cgroup());
        synchronized (this) {
            phase = InitPhase.RUNNING;
            init = process;
            note();
        }
        follower.started("", pid);
        follower.runs("");
        container.oom().begin();
        var _ = process.ended().thenAccept(this::initEnded);
    }

    private synchronized @Nullable InitProcess init() {
        return init;
    }

    /** Of one that is not to be: what becomes of its init makes no note any more. */
    void noteNothing() {
        note.end();
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
        awaitSettled();
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
        awaitSettled();
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
        initEnded(new Exit(child.pid(), child.exitStatus(), Instant.now()));
    }

    private void initEnded(Exit exit) {
        @Nullable InitProcess process;
        boolean noted;
        synchronized (this) {
            seenExit = exit;
            killing = !ownPidNamespace;
            noted = note();
            process = init;
        }
        if (process != null && noted) { // else until the container is deleted
            container.reaper().forget(process.id());
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
            for (var member : members()) {
                listed.add(new ListedPid(member, execIds.getOrDefault(member, "")));
            }
        } catch (IOException e) {
            throw new ShimException(ShimException.Kind.UNKNOWN, "cannot list processes: " + e.getMessage(), e);
        }
        return listed;
    }

    private List<Integer> members() throws IOException {
        var process = init();
        if (process == null) {
            // Not NotFound, for which newer daemons clean a container up that waits to be restored.
            throw new ShimException(ShimException.Kind.UNKNOWN, "container does not exist");
        }
        var cgroup = process.cgroup();
        var all = cgroup == null ? List.<Integer>of() : cgroup.pids();
        return all.isEmpty() ? List.of(process.pid()) : all;
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
                PAUSE,
                InitPhase.PAUSING,
                InitPhase.PAUSED,
                () -> container.runc().pause(id()));
    }

    @Override
    public void resume() {
        change(
                Action.RESUME,
                RESUME,
                null,
                InitPhase.RUNNING,
                () -> container.runc().resume(id()));
    }

    private void change(Action action, String command, @Nullable InitPhase during, InitPhase after, Runnable work) {
        awaitSettled();
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
        if (container.options().neverCheckpointed()) {
            throw ShimException.failedPrecondition("container " + id() + " was created with NeverCheckpointed = true;"
                    + " its output does not cross the shim, and CRIU could not dump it: create it without that option");
        }
        awaitSettled();
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

    /** The annotations are a matter of sandboxes, runc has no use for them (runc/container.go Update, v2.1.4). */
    @Override
    public void update(ByteString resources, Map<String, String> annotations) {
        awaitSettled();
        synchronized (this) {
            phase.require(Action.UPDATE);
        }
        new ResourceUpdate(container).apply(resources);
    }
}
