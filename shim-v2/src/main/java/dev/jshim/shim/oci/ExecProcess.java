package dev.jshim.shim.oci;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.ExitedChild;
import dev.jshim.linux.Fd;
import dev.jshim.linux.ProcessId;
import dev.jshim.linux.Processes;
import dev.jshim.linux.Terminal;
import dev.jshim.proto.v2.notes.ProcessNote;
import dev.jshim.shim.stdio.ProcessIo;
import dev.jshim.task.ExecRequest;
import dev.jshim.task.Exit;
import dev.jshim.task.News;
import dev.jshim.task.ProcessState;
import dev.jshim.task.ProcessStatus;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimLog;
import dev.jshim.task.Stdio;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A process added to a container. Thread-safe; its lock is never held across a call of the runtime. How it stands is
 * noted before anybody can know of it.
 */
final class ExecProcess {
    /** What a client sees as the status of a process that could not be started (containerd's UnknownExitStatus). */
    private static final int NEVER_RAN = 255;

    /** How long Delete waits for output that something else holds open. */
    private static final Duration DRAIN = Duration.ofSeconds(2);

    private enum Phase {
        CREATED,
        STARTING,
        RUNNING,
        STOPPED,
        FAILED
    }

    /** How long Delete waits until an exit is reported: after it, no client can ask for it. */
    private static final Duration TELLING = Duration.ofSeconds(5);

    /** Of an exec that was deleted another one may get the id, also in another process than this one. */
    private static final AtomicLong SPECS = new AtomicLong();

    private final Container container;
    private final String id;
    private final Stdio stdio;
    /** The spec is kept here and not in the heap, from Exec until the process has been started. */
    private final Path spec;

    private final ProcessFile note;
    private final CompletableFuture<Exit> exited = new CompletableFuture<>();
    private Phase phase = Phase.CREATED;
    private News told = News.NONE;
    private ProcessId process = new ProcessId(0, -1);
    private @Nullable Exit exit;
    private @Nullable ProcessIo io;
    private boolean isStdinOver;
    /** What a process before this one had of the streams, until it is known what became of the start. */
    private Map<String, Fd> old = Map.of();

    private CompletableFuture<ExitedChild> settled = new CompletableFuture<>();

    private ExecProcess(Container container, String id, Stdio stdio, Path spec) {
        this.container = container;
        this.spec = spec;
        this.id = id;
        this.stdio = stdio;
        note = ProcessFile.ofExec(container.notes(), id);
    }

    /**
     * A process that is yet to be started; {@link #close} takes away what it has in the bundle.
     *
     * @throws ShimException INVALID_ARGUMENT for a spec that is none
     */
    static ExecProcess of(Container container, ExecRequest request) {
        var unique = Processes.getpid() + "-" + SPECS.incrementAndGet();
        var name = "exec-" + request.execId() + "-" + unique + "-process.json";
        var spec = container.bundle().resolve(name);
        try {
            ExecSpec.write(request.spec().getValue(), request.stdio().terminal(), spec);
        } catch (IOException e) {
            discard(spec);
            throw new ShimException(
                    ShimException.Kind.UNKNOWN, "cannot keep the exec's spec in the bundle: " + e.getMessage(), e);
        }
        return new ExecProcess(container, request.execId(), request.stdio(), spec);
    }

    /**
     * One that a process before this one has left. What had been begun with it is over after {@link #settle}.
     *
     * @param streams what is held of its streams
     */
    static ExecProcess restore(Container container, String id, ProcessNote note, Map<String, Fd> streams) {
        var stdio = new Stdio(note.getStdin(), note.getStdout(), note.getStderr(), note.getTerminal());
        var exec = new ExecProcess(container, id, stdio, Path.of(note.getSpec()));
        exec.restore(note, streams);
        return exec;
    }

    private synchronized void restore(ProcessNote last, Map<String, Fd> streams) {
        phase = Phase.valueOf(last.getPhase());
        told = last.getExitTold() ? News.ENDED : last.getStartTold() ? News.STARTED : News.NONE;
        process = new ProcessId(last.getPid(), last.getStart());
        exit = last.hasExit() ? BundleFiles.exit(last.getExit()) : null;
        isStdinOver = last.getStdinClosed();
        if (phase == Phase.STARTING) {
            old = streams;
            return;
        }
        if (phase == Phase.RUNNING || phase == Phase.STOPPED) {
            takeOver(streams);
        } else {
            ProcessIo.discard(container.streams(id, false), streams);
        }
        if (phase != Phase.CREATED) {
            discardFiles();
        }
    }

    /** Without its streams a process can still be seen to its end. */
    private void takeOver(Map<String, Fd> streams) {
        try {
            io = ProcessIo.restore(stdio, container.streams(id, false), streams);
        } catch (ShimException e) {
            ShimLog.error("an exec's streams are lost", "id", container.id(), "exec_id", id, "error", e);
        }
    }

    /**
     * Notes how it stands; the lock is held. Does nothing once it has been deleted. False if that was to be noted and
     * could not be.
     */
    @CanIgnoreReturnValue
    private boolean note() {
        if (!note.isKept()) {
            return true;
        }
        var now = ProcessNote.newBuilder()
                .setPhase(phase.name())
                .setPid(process.pid())
                .setStart(process.startTicks())
                .setStartTold(told != News.NONE)
                .setExitTold(told == News.ENDED)
                .setSpec(spec.toString())
                .setStdinClosed(isStdinOver)
                .setStdin(stdio.stdin())
                .setStdout(stdio.stdout())
                .setStderr(stdio.stderr())
                .setTerminal(stdio.terminal());
        if (exit != null) {
            now.setExit(BundleFiles.message(exit));
        }
        return note.write(now.build());
    }

    /**
     * Notes that there is such an exec.
     *
     * @throws ShimException if it cannot be noted
     */
    synchronized void added() {
        container.notes().notGone(id);
        if (!note()) {
            throw new ShimException(
                    ShimException.Kind.RESOURCE_EXHAUSTED,
                    "exec " + id + " cannot be noted, and would be lost if the shim were started again: make room in"
                            + " /run");
        }
    }

    synchronized News told() {
        return told;
    }

    synchronized void tell(News news) {
        if (told.compareTo(news) < 0) {
            told = news;
            note();
            notifyAll();
        }
    }

    private static void discard(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            ShimLog.warn("cannot delete a file of an exec", "file", file, "error", e.getMessage());
        }
    }

    private void discardFiles() {
        discard(spec);
        discard(container.pidFile(id));
    }

    String id() {
        return id;
    }

    Stdio stdio() {
        return stdio;
    }

    CompletableFuture<Exit> exited() {
        return exited;
    }

    synchronized int pid() {
        return process.pid();
    }

    /** Whether it runs, or is being started. */
    synchronized boolean isUnderWay() {
        return phase == Phase.RUNNING || phase == Phase.STARTING;
    }

    /** Whether it has been started, as far as is known. */
    synchronized boolean hasRun() {
        return phase == Phase.RUNNING || phase == Phase.STOPPED;
    }

    /** Goes on with what a process before this one has left, but for a start whose outcome is not known. */
    void begin() {
        @Nullable Exit end;
        ProcessId running;
        synchronized (this) {
            end = exit;
            if (phase == Phase.FAILED) {
                exited.complete(new Exit(0, NEVER_RAN, Exit.NEVER));
            }
            if (end == null && phase != Phase.RUNNING) {
                return;
            }
            running = process;
        }
        if (end != null) {
            ended(end);
        } else {
            var _ = container.reaper().adopt(running).thenAccept(this::ended);
        }
    }

    /**
     * Finds out what became of a start that a process before this one had begun and whose call of the runtime has
     * ended: there is a process now, or it can be started again. Answers whether there is one.
     *
     * @param window open since this process can hear of exits
     */
    boolean settle(Reaper.Window window) {
        var pidFile = container.pidFile(id);
        synchronized (this) {
            if (phase != Phase.STARTING) {
                return false;
            }
            CompletableFuture<ExitedChild> child;
            try {
                var running = BundleFiles.readPid(pidFile);
                process = ProcessId.of(running);
                child = window.claim(running);
            } catch (IOException e) {
                // The runtime has not come to that, or has failed.
                discard(pidFile);
                phase = Phase.CREATED;
                note();
                notifyAll();
                return false;
            }
            takeOver(old);
            old = Map.of();
            if (isStdinOver && io != null) {
                io.closeStdin();
            }
            phase = Phase.RUNNING;
            note();
            notifyAll();
            discardFiles();
            settled = child;
        }
        return true;
    }

    /** Follows what {@link #settle} has found to its end. */
    void follow() {
        CompletableFuture<ExitedChild> child;
        synchronized (this) {
            child = settled;
        }
        var _ = child.thenAccept(this::ended);
    }

    /** As the exec stands by itself; while the container is paused, so are its execs. */
    synchronized ProcessState state(ProcessStatus ofInit) {
        var own = switch (phase) {
            case CREATED, STARTING, FAILED -> ProcessStatus.CREATED;
            case RUNNING -> ProcessStatus.RUNNING;
            case STOPPED -> ProcessStatus.STOPPED;
        };
        var frozen = ofInit == ProcessStatus.PAUSED || ofInit == ProcessStatus.PAUSING;
        return new ProcessState(id(), container.bundle(), process.pid(), frozen ? ofInit : own, stdio(), exit);
    }

    /** Runs the process. {@code started} is called before its exit can be seen. */
    void start(IntConsumer started) {
        synchronized (this) {
            if (phase != Phase.CREATED) {
                throw new ShimException(
                        ShimException.Kind.UNKNOWN,
                        "cannot start a " + (phase == Phase.STOPPED || phase == Phase.FAILED ? "stopped" : "running")
                                + " process");
            }
            phase = Phase.STARTING;
            note();
        }
        try (var window = container.reaper().open()) {
            var running = run();
            var id = ProcessId.of(running);
            var child = window.claim(running);
            synchronized (this) {
                process = id;
                phase = Phase.RUNNING;
                note();
                notifyAll();
            }
            discardFiles();
            started.accept(running);
            var _ = child.thenAccept(this::ended);
        } catch (IOException | RuntimeException e) {
            fail();
            throw e instanceof RuntimeException known
                    ? known
                    : new ShimException(ShimException.Kind.UNKNOWN, "OCI runtime exec failed: " + e.getMessage(), e);
        }
    }

    private int run() throws IOException {
        Map<String, Fd> before;
        synchronized (this) {
            before = old;
            old = Map.of();
        }
        var streams = Container.open(stdio(), container.streams(id(), false), before);
        boolean isOver;
        synchronized (this) {
            io = streams;
            isOver = isStdinOver;
        }
        if (isOver) {
            streams.closeStdin();
        }
        var pidFile = container.pidFile(id);
        Files.deleteIfExists(pidFile);
        container.runc().exec(container.id(), spec, pidFile, Runc.Streams.of(streams));
        streams.started();
        return BundleFiles.readPid(pidFile);
    }

    private void fail() {
        synchronized (this) {
            phase = Phase.FAILED;
            note();
            notifyAll();
        }
        discard(container.pidFile(id));
        close();
    }

    private void ended(ExitedChild child) {
        ended(new Exit(child.pid(), child.exitStatus(), Instant.now()));
    }

    private void ended(Exit end) {
        ProcessIo streams;
        ProcessId which;
        boolean noted;
        synchronized (this) {
            exit = end;
            phase = Phase.STOPPED;
            noted = note();
            streams = io;
            which = process;
        }
        if (noted) { // else until it is deleted
            container.reaper().forget(which);
        }
        if (streams != null) {
            streams.exited();
        }
        container.oom().check();
        exited.complete(end);
    }

    /**
     * Who wants something of a process that is just being started means the process: a client that gave up waiting, and
     * got the answer that there is nothing to kill, would leave it behind.
     */
    private synchronized void awaitStarted() {
        while (phase == Phase.STARTING) {
            try {
                wait();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new ShimException(ShimException.Kind.UNAVAILABLE, "interrupted", e);
            }
        }
    }

    void kill(int signal) {
        int target;
        synchronized (this) {
            awaitStarted();
            target = switch (phase) {
                case CREATED, STARTING, FAILED -> throw ShimException.failedPrecondition("process not created");
                case STOPPED -> throw ShimException.notFound("process already finished");
                case RUNNING -> process.pid();
            };
        }
        try {
            if (!container.reaper().signal(target, signal)) {
                throw ShimException.notFound("process already finished");
            }
        } catch (ErrnoException e) {
            throw new ShimException(
                    ShimException.Kind.UNKNOWN, "cannot send signal " + signal + ": " + e.getMessage(), e);
        }
    }

    /**
     * Also one that has ended: a client gives it its size right after the start, and cannot know. It is the same for
     * init.
     */
    void resize(Terminal.Size size) {
        ProcessIo streams;
        synchronized (this) {
            awaitStarted();
            streams = io;
        }
        if (streams != null) {
            Container.resize(streams, size);
        }
    }

    /** Also before it has streams: its client may have said all while those of the output are still being opened. */
    void closeStdin() {
        ProcessIo streams;
        synchronized (this) {
            isStdinOver = true;
            streams = io;
            if (streams == null) {
                note();
            }
        }
        if (streams != null) {
            streams.closeStdin();
        }
    }

    private synchronized @Nullable ProcessIo io() {
        return io;
    }

    /** Frees what it held. An exec that never ran will not run any more. */
    Exit delete() {
        Exit end;
        ProcessId which;
        synchronized (this) {
            awaitStarted();
            if (phase == Phase.RUNNING) {
                throw new ShimException(ShimException.Kind.UNKNOWN, "cannot delete a running process");
            }
            end = exit == null ? new Exit(0, 0, Exit.NEVER) : exit;
            phase = phase == Phase.CREATED ? Phase.FAILED : phase;
            which = process;
            awaitTold();
        }
        var streams = io();
        if (streams != null && !streams.awaitDrained(DRAIN)) {
            ShimLog.debug("output of an exec is still held open", "id", container.id(), "exec_id", id());
        }
        close();
        container.notes().gone(id, end);
        container.reaper().forget(which);
        note.end();
        return end;
    }

    private void awaitTold() {
        var begin = System.nanoTime();
        while (note.isKept() && phase == Phase.STOPPED && told != News.ENDED) {
            var left = TELLING.toNanos() - (System.nanoTime() - begin);
            if (left <= 0) {
                return;
            }
            try {
                wait(left / 1_000_000 + 1);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    /** That it has not been added. */
    void discard() {
        close();
        note.end();
    }

    /** Frees what it held, whatever its state; a wait for one that never ran ends, too. */
    void close() {
        boolean neverRan;
        boolean hasEnded;
        Map<String, Fd> before;
        synchronized (this) {
            hasEnded = phase == Phase.STOPPED;
            phase = phase == Phase.CREATED ? Phase.FAILED : phase;
            neverRan = phase == Phase.FAILED;
            before = old;
            old = Map.of();
        }
        if (!before.isEmpty()) {
            ProcessIo.discard(container.streams(id, false), before);
        }
        var streams = io();
        if (streams != null) {
            streams.close();
        }
        if (hasEnded) {
            container.reaper().forget(process); // if there was no room to note it elsewhere
        }
        if (neverRan) {
            discard(spec);
            exited.complete(new Exit(0, NEVER_RAN, Exit.NEVER));
        }
    }
}
