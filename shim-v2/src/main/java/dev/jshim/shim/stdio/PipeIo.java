package dev.jshim.shim.stdio;

import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import dev.jshim.linux.Pipe;
import dev.jshim.linux.Terminal;
import dev.jshim.shim.task.ShimException;
import dev.jshim.shim.task.Stdio;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The streams of one process that has no terminal.
 *
 * <p>Output to a FIFO may be handed to the process itself; the shim then only keeps the FIFO's reading end, so that a
 * process whose client went away waits for the next one instead of dying of SIGPIPE. All else goes through pipes that
 * the {@link PumpLoop} moves and that can be cut. Thread-safe once it is open.
 */
final class PipeIo implements ProcessIo {
    private static final int READ = OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK | OpenFlags.O_CLOEXEC;
    private static final int WRITE = OpenFlags.O_WRONLY | OpenFlags.O_NONBLOCK | OpenFlags.O_CLOEXEC;
    private static final int APPEND = WRITE | OpenFlags.O_CREAT | OpenFlags.O_APPEND;

    /** A pump that is to start once the process runs. */
    private record Planned(Fd source, Fd sink, Pump.Mode mode, boolean isOutput) {}

    private final PumpLoop loop;
    private final boolean passThrough;
    /** All that has been opened, until all is: then each has an owner. */
    private final List<Fd> opening = new ArrayList<>();

    private final List<Fd> childEnds = new ArrayList<>();
    private final List<Fd> keepers = new ArrayList<>();
    private final List<Planned> planned = new ArrayList<>();
    private final List<Pump> outputs = new ArrayList<>();
    private final List<Pump> inputs = new ArrayList<>();
    private @Nullable Fd stdin;
    private @Nullable Fd stdout;
    private @Nullable Fd stderr;
    private volatile @Nullable Fd stdinKeeper;

    private PipeIo(PumpLoop loop, boolean passThrough) {
        this.loop = loop;
        this.passThrough = passThrough;
    }

    /**
     * Opens the streams of a process to be.
     *
     * @param passThrough whether output FIFOs are handed to the process: for init, whose end closes them. What an exec
     *     leaves in the background would keep them open past its end, and nobody could cut them.
     * @param uid owner of the pipes
     */
    static PipeIo open(PumpLoop loop, Stdio stdio, boolean passThrough, int uid, int gid) {
        var io = new PipeIo(loop, passThrough);
        try {
            io.stdin = io.openStdin(Sink.of(stdio.stdin()), uid, gid);
            io.stdout = io.openOutput(Sink.of(stdio.stdout()), uid, gid);
            io.stderr = io.openOutput(Sink.of(stdio.stderr()), uid, gid);
            io.opening.clear();
            return io;
        } catch (IOException e) {
            throw new ShimException(ShimException.Kind.UNKNOWN, "failed to create process I/O: " + e.getMessage(), e);
        } finally {
            io.opening.forEach(Fd::close);
        }
    }

    private Fd opened(Path path, int flags, int mode) throws ErrnoException {
        var fd = FileCalls.open(path, flags, mode);
        opening.add(fd);
        return fd;
    }

    private @Nullable Fd openStdin(@Nullable Sink source, int uid, int gid) throws ErrnoException {
        return switch (source) {
            case null -> null;
            case Sink.File(var path) -> {
                var file = opened(path, READ, 0);
                file.setNonBlocking(false);
                yield child(file);
            }
            case Sink.Fifo(var path) -> {
                var reader = opened(path, READ, 0);
                // Without a writer of our own the process would see the end as soon as a client detaches.
                stdinKeeper = opened(path, WRITE, 0);
                var pipe = pipe(uid, gid);
                planned.add(new Planned(reader, pipe.writeEnd(), Pump.Mode.SPLICE, false));
                yield child(pipe.readEnd());
            }
        };
    }

    private @Nullable Fd openOutput(@Nullable Sink sink, int uid, int gid) throws IOException {
        return switch (sink) {
            case null -> null;
            case Sink.File(var path) -> {
                Files.createDirectories(parent(path));
                yield piped(opened(path, APPEND, 0644), Pump.Mode.APPEND, uid, gid);
            }
            case Sink.Fifo(var path) -> {
                var fifo = ClientFifo.open(path);
                opening.addAll(List.of(fifo.writer(), fifo.keeper()));
                keepers.add(fifo.keeper());
                if (passThrough) {
                    fifo.writer().setNonBlocking(false);
                    yield child(fifo.writer());
                }
                yield piped(fifo.writer(), Pump.Mode.SPLICE, uid, gid);
            }
        };
    }

    private Fd piped(Fd sink, Pump.Mode mode, int uid, int gid) throws ErrnoException {
        var pipe = pipe(uid, gid);
        planned.add(new Planned(pipe.readEnd(), sink, mode, true));
        return child(pipe.writeEnd());
    }

    private Pipe pipe(int uid, int gid) throws ErrnoException {
        var pipe = FileCalls.pipe();
        opening.add(pipe.readEnd());
        opening.add(pipe.writeEnd());
        if (uid != 0 || gid != 0) {
            FileCalls.fchown(pipe.readEnd(), uid, gid);
            FileCalls.fchown(pipe.writeEnd(), uid, gid);
        }
        return pipe;
    }

    private static Path parent(Path path) {
        var parent = path.getParent();
        return parent == null ? Path.of("/") : parent;
    }

    private Fd child(Fd fd) {
        childEnds.add(fd);
        return fd;
    }

    @Override
    public @Nullable Fd stdin() {
        return stdin;
    }

    @Override
    public @Nullable Fd stdout() {
        return stdout;
    }

    @Override
    public @Nullable Fd stderr() {
        return stderr;
    }

    @Override
    public synchronized void started() throws ErrnoException {
        childEnds.forEach(Fd::close);
        childEnds.clear();
        while (!planned.isEmpty()) {
            var plan = planned.getFirst();
            var pump = loop.start(plan.source(), plan.sink(), plan.mode());
            // From here on both are the pump's: its thread uses them until it closes them.
            planned.removeFirst();
            (plan.isOutput() ? outputs : inputs).add(pump);
        }
    }

    @Override
    public void closeStdin() {
        var keeper = stdinKeeper;
        if (keeper != null) {
            keeper.close();
        }
    }

    @Override
    public synchronized void exited() {
        inputs.forEach(Pump::cut);
        closeStdin();
        if (outputs.isEmpty()) {
            closeKeepers();
        } else {
            var _ = outputsEnded().thenRun(this::closeKeepers);
        }
    }

    private synchronized CompletableFuture<?> outputsEnded() {
        return CompletableFuture.allOf(outputs.stream().map(Pump::ended).toArray(CompletableFuture<?>[]::new));
    }

    private synchronized void closeKeepers() {
        keepers.forEach(Fd::close);
        keepers.clear();
    }

    @Override
    public boolean awaitDrained(Duration patience) {
        var all = outputsEnded();
        try {
            all.get(patience.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException | ExecutionException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    @Override
    public @Nullable Path consoleSocket() {
        return null;
    }

    @Override
    public void resize(Terminal.Size size) {}

    @Override
    public synchronized void close() {
        inputs.forEach(Pump::cut);
        outputs.forEach(Pump::cut);
        for (var plan : planned) {
            plan.source().close();
            plan.sink().close();
        }
        planned.clear();
        childEnds.forEach(Fd::close);
        childEnds.clear();
        closeStdin();
        closeKeepers();
    }
}
