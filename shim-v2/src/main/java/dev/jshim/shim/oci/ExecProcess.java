package dev.jshim.shim.oci;

import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.ExitedChild;
import dev.jshim.linux.Terminal;
import dev.jshim.shim.log.ShimLog;
import dev.jshim.shim.stdio.ProcessIo;
import dev.jshim.shim.task.ExecRequest;
import dev.jshim.shim.task.Exit;
import dev.jshim.shim.task.ProcessState;
import dev.jshim.shim.task.ProcessStatus;
import dev.jshim.shim.task.ShimException;
import dev.jshim.shim.task.Stdio;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/** A process added to a container. Thread-safe; its lock is never held across a call of the runtime. */
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

    /** Of an exec that was deleted another one may get the id. */
    private static final AtomicLong SPECS = new AtomicLong();

    private final Container container;
    private final String id;
    private final Stdio stdio;
    /** The spec is kept here and not in the heap, from Exec until the process has been started. */
    private final Path spec;

    private final CompletableFuture<Exit> exited = new CompletableFuture<>();
    private Phase phase = Phase.CREATED;
    private int pid;
    private @Nullable Exit exit;
    private @Nullable ProcessIo io;
    private boolean isStdinOver;

    private ExecProcess(Container container, ExecRequest request, Path spec) {
        this.container = container;
        this.spec = spec;
        id = request.execId();
        stdio = request.stdio();
    }

    /**
     * A process that is yet to be started; {@link #close} takes away what it has in the bundle.
     *
     * @throws ShimException INVALID_ARGUMENT for a spec that is none
     */
    static ExecProcess of(Container container, ExecRequest request) {
        var name = "exec-" + request.execId() + "-" + SPECS.incrementAndGet() + "-process.json";
        var spec = container.bundle().resolve(name);
        try {
            ExecSpec.write(request.spec().getValue(), request.stdio().terminal(), spec);
        } catch (IOException e) {
            discard(spec);
            throw new ShimException(
                    ShimException.Kind.UNKNOWN, "cannot keep the exec's spec in the bundle: " + e.getMessage(), e);
        }
        return new ExecProcess(container, request, spec);
    }

    private static void discard(Path spec) {
        try {
            Files.deleteIfExists(spec);
        } catch (IOException e) {
            ShimLog.warn("cannot delete an exec's spec", "file", spec, "error", e.getMessage());
        }
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
        return pid;
    }

    /** As the exec stands by itself; while the container is paused, so are its execs. */
    synchronized ProcessState state(ProcessStatus ofInit) {
        var own = switch (phase) {
            case CREATED, STARTING, FAILED -> ProcessStatus.CREATED;
            case RUNNING -> ProcessStatus.RUNNING;
            case STOPPED -> ProcessStatus.STOPPED;
        };
        var frozen = ofInit == ProcessStatus.PAUSED || ofInit == ProcessStatus.PAUSING;
        return new ProcessState(id(), container.bundle(), pid, frozen ? ofInit : own, stdio(), exit);
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
        }
        try (var window = container.reaper().open()) {
            var running = run();
            var child = window.claim(running);
            synchronized (this) {
                pid = running;
                phase = Phase.RUNNING;
                notifyAll();
            }
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
        var streams = container.open(stdio(), "exec-" + id(), id(), false);
        boolean isOver;
        synchronized (this) {
            io = streams;
            isOver = isStdinOver;
        }
        if (isOver) {
            streams.closeStdin();
        }
        var pidFile = container.bundle().resolve("exec-" + id + ".pid");
        try {
            container.runc().exec(container.id(), spec, pidFile, Runc.Streams.of(streams));
            streams.started();
            return BundleFiles.readPid(pidFile);
        } finally {
            Files.deleteIfExists(spec);
            Files.deleteIfExists(pidFile);
        }
    }

    private void fail() {
        synchronized (this) {
            phase = Phase.FAILED;
            notifyAll();
        }
        close();
    }

    private void ended(ExitedChild child) {
        Exit end;
        ProcessIo streams;
        synchronized (this) {
            end = new Exit(child.pid(), child.exitStatus(), Instant.now());
            exit = end;
            phase = Phase.STOPPED;
            streams = io;
        }
        if (streams != null) {
            streams.exited();
        }
        container.oom().check();
        exited.complete(end);
    }

    /**
     * Who wants something of a process that is just being started means the process: a client that gave up waiting, and
     * was told that there is nothing to kill, would leave it behind.
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
                case RUNNING -> pid;
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
     * Also one that has ended: a client gives it its size right after the start, and cannot know. So it is for init.
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
        synchronized (this) {
            awaitStarted();
            if (phase == Phase.RUNNING) {
                throw new ShimException(ShimException.Kind.UNKNOWN, "cannot delete a running process");
            }
            end = exit == null ? new Exit(0, 0, Exit.NEVER) : exit;
            phase = phase == Phase.CREATED ? Phase.FAILED : phase;
        }
        var streams = io();
        if (streams != null && !streams.awaitDrained(DRAIN)) {
            ShimLog.debug("output of an exec is still held open", "id", container.id(), "exec_id", id());
        }
        close();
        return end;
    }

    /** Frees what it held, whatever its state; who waits for one that never ran is told so. */
    void close() {
        boolean neverRan;
        synchronized (this) {
            phase = phase == Phase.CREATED ? Phase.FAILED : phase;
            neverRan = phase == Phase.FAILED;
        }
        var streams = io();
        if (streams != null) {
            streams.close();
        }
        if (neverRan) {
            discard(spec);
            exited.complete(new Exit(0, NEVER_RAN, Exit.NEVER));
        }
    }
}
