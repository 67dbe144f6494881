package dev.jshim.shim.stdio;

import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import dev.jshim.linux.Pipe;
import dev.jshim.linux.Terminal;
import dev.jshim.shim.stdio.KeptStreams.Keys;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimLog;
import dev.jshim.task.Stdio;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
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
    private static final int BOTH = OpenFlags.O_RDWR | OpenFlags.O_NONBLOCK | OpenFlags.O_CLOEXEC;
    private static final int APPEND = WRITE | OpenFlags.O_CREAT | OpenFlags.O_APPEND;

    private static final int OTHERS = 0077;

    /** A pump that is to start once the process runs; the spool is for one that appends. */
    private record Planned(Fd source, Fd sink, @Nullable Spool spool, Pump.Mode mode, Pump.From from) {
        Planned(Fd source, Fd sink, Pump.Mode mode, Pump.From from) {
            this(source, sink, null, mode, from);
        }

        Pump start(IoSettings settings) throws ErrnoException {
            return spool == null
                    ? settings.loop().start(settings.kept(), source, sink, mode, from)
                    : settings.loop().append(settings.kept(), source, sink, spool);
        }

        void close() {
            source.close();
            sink.close();
            if (spool != null) {
                spool.close();
            }
        }
    }

    private final IoSettings settings;
    private final KeptStreams kept;
    /** All that has been opened, until all is: then each has an owner. */
    private final List<Fd> opening = new ArrayList<>();

    private final List<Fd> childEnds = new ArrayList<>();
    private final List<Planned> planned = new ArrayList<>();
    private final Outputs outputs;
    private final List<Pump> inputs = new ArrayList<>();
    private @Nullable Fd stdin;
    private @Nullable Fd stdout;
    private @Nullable Fd stderr;
    private @Nullable Pump stdinPump;
    private boolean isStdinOver;

    private PipeIo(IoSettings settings) {
        this.settings = settings;
        kept = settings.kept();
        outputs = new Outputs(settings);
    }

    /** Opens the streams of a process to be. */
    static PipeIo open(Stdio stdio, IoSettings settings) {
        var io = new PipeIo(settings);
        try {
            io.stdin = io.openStdin(Sink.of(stdio.stdin()));
            if (Sink.of(stdio.stdout()) instanceof Sink.Binary binary) {
                io.openLogger(binary);
            } else {
                io.stdout = io.openOutput(Keys.STDOUT, Sink.of(stdio.stdout()));
                io.stderr = io.openOutput(Keys.STDERR, Sink.of(stdio.stderr()));
            }
            io.opening.clear();
            return io;
        } catch (IOException e) {
            throw new ShimException(ShimException.Kind.UNKNOWN, "failed to create process I/O: " + e.getMessage(), e);
        } finally {
            io.opening.forEach(Fd::close);
        }
    }

    /** See {@link ProcessIo#restore}. */
    static PipeIo restore(IoSettings settings, Map<String, Fd> kept) {
        var left = settings.kept().adopt(kept);
        var io = new PipeIo(settings);
        try {
            io.plan(left);
            io.outputs.restore(settings, left);
            io.started();
            return io;
        } catch (ErrnoException e) {
            io.close();
            throw new ShimException(ShimException.Kind.UNKNOWN, "failed to take over I/O: " + e.getMessage(), e);
        } finally {
            Outputs.discard(settings, left);
        }
    }

    /** The pumps that there were. One whose other end is missing was ending. */
    private void plan(Map<String, Fd> left) throws ErrnoException {
        var stdinPipe = Keys.STDIN + Keys.PIPE;
        // The reading end alone comes first: if both exist the other one was about to be closed.
        isStdinOver = left.containsKey(Keys.STDIN + Keys.READER);
        plan(left, Keys.STDIN + Keys.READER, stdinPipe, Pump.Mode.SPLICE, Pump.From.CLIENT);
        plan(left, Keys.STDIN + Keys.BOTH, stdinPipe, Pump.Mode.SPLICE, Pump.From.CLIENT);
        plan(left, Keys.STDIN + Keys.FILE, stdinPipe, Pump.Mode.FILE, Pump.From.CLIENT);
        for (var stream : List.of(Keys.STDOUT, Keys.STDERR)) {
            plan(left, stream + Keys.PIPE, stream + Keys.WRITER, Pump.Mode.SPLICE, Pump.From.PROCESS);
            planAppending(left, stream);
        }
    }

    private void planAppending(Map<String, Fd> left, String stream) throws ErrnoException {
        var source = left.get(stream + Keys.PIPE);
        var file = left.get(stream + Keys.FILE);
        if (source != null && file != null) {
            var spool = Spool.restore(kept, stream, left, file);
            left.keySet().removeAll(List.of(stream + Keys.PIPE, stream + Keys.FILE));
            planned.add(new Planned(source, file, spool, Pump.Mode.APPEND, Pump.From.PROCESS));
        }
    }

    private void plan(Map<String, Fd> left, String source, String sink, Pump.Mode mode, Pump.From from) {
        var in = left.get(source);
        var out = left.get(sink);
        if (in != null && out != null) {
            left.keySet().removeAll(List.of(source, sink));
            planned.add(new Planned(in, out, mode, from));
        }
    }

    private Fd opened(Path path, int flags, int mode, String key) throws ErrnoException {
        var fd = FileCalls.open(path, flags, mode);
        opening.add(fd);
        kept.keep(key, fd);
        return fd;
    }

    // No switch over the types, here and below: each is linked again in every shim (docs/adr/0002-aot-cache.md).
    private @Nullable Fd openStdin(@Nullable Sink source) throws ErrnoException {
        if (source == null) {
            return null;
        }
        if (source instanceof Sink.File file) {
            return pipedIn(opened(file.path(), READ, 0, Keys.STDIN + Keys.FILE), Pump.Mode.FILE);
        }
        if (source instanceof Sink.Fifo fifo) {
            // Without a writer of our own, which this is too, the process would see the end as soon as a client
            // detaches.
            return pipedIn(opened(fifo.path(), BOTH, 0, Keys.STDIN + Keys.BOTH), Pump.Mode.SPLICE);
        }
        var logger = (Sink.Binary) source;
        throw ShimException.invalidArgument("stdin cannot come from the logger " + logger.program());
    }

    /**
     * The client's own would be the container's: the runtime gives its streams to the container's user, who may open
     * them again for writing.
     */
    private Fd pipedIn(Fd source, Pump.Mode mode) throws ErrnoException {
        var pipe = pipe();
        kept.keep(Keys.STDIN + Keys.PIPE, pipe.writeEnd());
        planned.add(new Planned(source, pipe.writeEnd(), mode, Pump.From.CLIENT));
        return child(pipe.readEnd());
    }

    /** One for both streams, whatever the client says of stderr. */
    private void openLogger(Sink.Binary binary) throws IOException {
        var logger = Logger.start(settings, binary, Logger.READY);
        outputs.use(logger);
        stdout = child(logger.stdout());
        stderr = child(logger.stderr());
    }

    private @Nullable Fd openOutput(String stream, @Nullable Sink sink) throws IOException {
        if (sink == null) {
            return null;
        }
        if (sink instanceof Sink.File file) {
            Files.createDirectories(parent(file.path()));
            return appended(stream, opened(file.path(), APPEND, 0644, stream + Keys.FILE));
        }
        if (sink instanceof Sink.Fifo named) {
            var fifo = ClientFifo.open(named.path());
            var writer = fifo.writer();
            opening.addAll(List.of(writer, fifo.spare()));
            kept.keep(stream + Keys.SPARE, fifo.spare());
            outputs.hold(stream, fifo.spare());
            if (settings.passThrough() && isRootsAlone(named.path(), writer)) {
                kept.keep(stream + Keys.HANDED_OVER, writer);
                writer.setNonBlocking(false);
                return child(writer);
            }
            kept.keep(stream + Keys.WRITER, writer);
            return piped(stream, writer);
        }
        var logger = (Sink.Binary) sink;
        throw ShimException.invalidArgument(
                "stderr cannot have the logger " + logger.program() + " alone: name it for stdout, and it gets both");
    }

    /**
     * Whoever has a FIFO in its hands can change its mode, and the runtime makes it the container's user's. Neither
     * changes anything for anybody if it is that user's already and lies in a folder that lets nobody else in, as
     * containerd's clients make them.
     */
    private static boolean isRootsAlone(Path path, Fd fifo) throws ErrnoException {
        var folder = FileCalls.stat(parent(path));
        return FileCalls.fstat(fifo).uid() == 0 && folder.uid() == 0 && (folder.mode() & OTHERS) == 0;
    }

    private Fd piped(String stream, Fd fifo) throws ErrnoException {
        var pipe = pipe();
        kept.keep(stream + Keys.PIPE, pipe.readEnd());
        planned.add(new Planned(pipe.readEnd(), fifo, Pump.Mode.SPLICE, Pump.From.PROCESS));
        return child(pipe.writeEnd());
    }

    private Fd appended(String stream, Fd file) throws ErrnoException {
        var pipe = pipe();
        kept.keep(stream + Keys.PIPE, pipe.readEnd());
        var spool = Spool.open(kept, stream);
        opening.addAll(spool.descriptors());
        planned.add(new Planned(pipe.readEnd(), file, spool, Pump.Mode.APPEND, Pump.From.PROCESS));
        return child(pipe.writeEnd());
    }

    private Pipe pipe() throws ErrnoException {
        var uid = settings.uid();
        var gid = settings.gid();
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
            var pump = plan.start(settings);
            // From here on all are the pump's: its thread uses them until it closes them.
            planned.removeFirst();
            if (plan.from() == Pump.From.PROCESS) {
                outputs.add(pump);
            } else {
                inputs.add(pump);
                follow(pump, plan.mode());
            }
        }
    }

    /** A file has an end of its own. */
    private void follow(Pump input, Pump.Mode mode) {
        if (mode == Pump.Mode.SPLICE) {
            stdinPump = input;
            if (isStdinOver) {
                var _ = input.letGo();
            }
        }
    }

    @Override
    public void closeStdin() {
        endStdin().join();
    }

    private synchronized CompletableFuture<Void> endStdin() {
        isStdinOver = true;
        if (stdinPump != null) {
            return stdinPump.letGo();
        }
        planned.replaceAll(plan -> plan.from() == Pump.From.CLIENT ? forReading(plan) : plan);
        return CompletableFuture.completedFuture(null);
    }

    /** So that also a JVM that comes before the pump knows it. */
    private Planned forReading(Planned plan) {
        if (plan.mode() != Pump.Mode.SPLICE) {
            return plan;
        }
        try {
            var reader = Pump.readingEnd(plan.source(), kept);
            plan.source().close();
            return new Planned(reader, plan.sink(), plan.mode(), plan.from());
        } catch (ErrnoException e) {
            ShimLog.warn("an input ends late", "error", e.getMessage());
            return plan;
        }
    }

    @Override
    public synchronized void exited() {
        inputs.forEach(Pump::cut);
        var _ = endStdin();
        outputs.exited();
    }

    @Override
    public boolean awaitDrained(Duration patience) {
        return outputs.awaitDrained(patience);
    }

    @Override
    public @Nullable Path consoleSocket() {
        return null;
    }

    @Override
    public void resize(Terminal.Size size) {}

    @Override
    public void close() {
        closeOwn();
        outputs.close();
    }

    private synchronized void closeOwn() {
        inputs.forEach(Pump::cut);
        planned.forEach(Planned::close);
        planned.clear();
        childEnds.forEach(Fd::close);
        childEnds.clear();
        var _ = endStdin();
    }
}
