package dev.jshim.shim.stdio;

import dev.jshim.linux.ConsoleSocket;
import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import dev.jshim.linux.Terminal;
import dev.jshim.shim.stdio.KeptStreams.Keys;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimLog;
import dev.jshim.task.Stdio;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The streams of a process with a terminal. The runtime makes the terminal and sends its master over the console
 * socket; from then on what is written to one side of it is copied from and to the client's FIFOs.
 *
 * <p>A client may go away and another one come: the shim keeps the FIFOs open at both ends. Output that nobody reads
 * stops the process when the FIFO and the terminal are full, as a terminal does.
 */
final class TerminalIo implements ProcessIo {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final int BOTH = OpenFlags.O_RDWR | OpenFlags.O_NONBLOCK | OpenFlags.O_CLOEXEC;
    private static final int WRITE = OpenFlags.O_WRONLY | OpenFlags.O_NONBLOCK | OpenFlags.O_CLOEXEC;
    private static final int APPEND = WRITE | OpenFlags.O_CREAT | OpenFlags.O_APPEND;

    private static final String CONSOLE = "console";
    private static final String CONNECTION = "connection";
    private static final String MASTER = "master";

    private final IoSettings settings;
    private final KeptStreams kept;
    /** Null of one that is restored, and has its terminal already. */
    private final @Nullable ConsoleSocket socket;

    private final Outputs outputs;
    private @Nullable Fd input;
    private boolean isInputOver;
    private @Nullable Fd output;
    /** If there is no output that takes it, and the pipe, the spool and the file if that is to end in one. */
    private boolean discards;

    private @Nullable Fd toFile;
    private @Nullable Spool spool;
    private @Nullable Fd file;

    private Terminal.@Nullable Size wanted;
    private @Nullable Fd connection;
    private @Nullable Fd master;
    private @Nullable Pump reading;

    private TerminalIo(IoSettings settings, @Nullable ConsoleSocket socket) {
        this.settings = settings;
        this.socket = socket;
        kept = settings.kept();
        outputs = new Outputs(settings);
    }

    static TerminalIo open(Stdio stdio, IoSettings settings) {
        TerminalIo io = null;
        try {
            var socket = ConsoleSocket.listen(settings.console());
            settings.kept().keep(CONSOLE, socket.listener());
            io = new TerminalIo(settings, socket);
            io.openInput(Sink.of(stdio.stdin()));
            io.openOutput(Sink.of(stdio.stdout()));
            return io;
        } catch (IOException e) {
            closeQuietly(io);
            throw new ShimException(ShimException.Kind.UNKNOWN, "failed to create a terminal: " + e.getMessage(), e);
        } catch (RuntimeException e) {
            closeQuietly(io);
            throw e;
        }
    }

    /** See {@link ProcessIo#restore}. */
    static TerminalIo restore(Stdio stdio, IoSettings settings, Map<String, Fd> kept) {
        var left = settings.kept().adopt(kept);
        var listener = left.remove(CONSOLE);
        var io = new TerminalIo(settings, listener == null ? null : ConsoleSocket.of(settings.console(), listener));
        try {
            if (io.adopt(left)) {
                io.started();
            }
            return io;
        } catch (IOException e) {
            io.close();
            throw new ShimException(ShimException.Kind.UNKNOWN, "failed to take over I/O: " + e.getMessage(), e);
        } finally {
            Outputs.discard(settings, left);
        }
    }

    /** Answers whether there is a terminal, or is to be one. */
    private synchronized boolean adopt(Map<String, Fd> left) throws ErrnoException {
        master = left.remove(MASTER);
        connection = left.remove(CONNECTION);
        input = left.remove(Keys.STDIN + Keys.READER);
        isInputOver = input != null;
        if (input == null) {
            input = left.remove(Keys.STDIN + Keys.BOTH);
        }
        output = left.remove(Keys.STDOUT + Keys.WRITER);
        discards = output == null;
        toFile = left.remove(Keys.STDOUT + Keys.PIPE);
        file = left.remove(Keys.STDOUT + Keys.FILE);
        if (file != null) {
            spool = Spool.restore(kept, Keys.STDOUT, left, file);
        }
        outputs.restore(settings, left);
        return master != null || connection != null || socket != null;
    }

    private static void closeQuietly(@Nullable TerminalIo io) {
        if (io != null) {
            io.close();
        }
    }

    private void openInput(@Nullable Sink source) throws ErrnoException {
        switch (source) {
            case null -> {}
            case Sink.Fifo(var path) -> {
                var both = FileCalls.open(path, BOTH, 0);
                kept.keep(Keys.STDIN + Keys.BOTH, both);
                input = both;
            }
            case Sink.File(var path) -> throw notFifo(path);
            case Sink.Binary(var program, var _, var _) -> throw notFifo(program);
        }
    }

    private static ShimException notFifo(Path path) {
        return ShimException.invalidArgument("stdin of a terminal must be a FIFO, but " + path + " is not one");
    }

    private void openOutput(@Nullable Sink sink) throws IOException {
        switch (sink) {
            case null -> {
                // Somebody has to read a terminal, or whoever writes to it stops.
                discards = true;
            }
            case Sink.Fifo(var path) -> {
                var fifo = ClientFifo.open(path);
                kept.keep(Keys.STDOUT + Keys.SPARE, fifo.spare());
                outputs.hold(Keys.STDOUT, fifo.spare());
                writeTo(fifo.writer());
            }
            case Sink.File(var path) -> {
                file = FileCalls.open(path, APPEND, 0644);
                kept.keep(Keys.STDOUT + Keys.FILE, file);
                // From a terminal nothing can be moved but into a pipe.
                var pipe = FileCalls.pipe();
                toFile = pipe.readEnd();
                kept.keep(Keys.STDOUT + Keys.PIPE, toFile);
                writeTo(pipe.writeEnd());
                spool = Spool.open(kept, Keys.STDOUT);
            }
            case Sink.Binary binary -> {
                var logger = Logger.start(settings, binary, Logger.READY);
                outputs.use(logger);
                writeTo(logger.stdout().duplicate());
                logger.handedOver(); // A terminal has no stderr of its own: that of the logger ends here.
            }
        }
    }

    private void writeTo(Fd fifo) {
        kept.keep(Keys.STDOUT + Keys.WRITER, fifo);
        output = fifo;
    }

    @Override
    public @Nullable Fd stdin() {
        return null;
    }

    @Override
    public @Nullable Fd stdout() {
        return null;
    }

    @Override
    public @Nullable Fd stderr() {
        return null;
    }

    @Override
    public @Nullable Path consoleSocket() {
        return socket == null ? null : socket.path();
    }

    @Override
    public synchronized void started() throws IOException {
        var its = terminal();
        if (wanted != null) {
            Terminal.resize(its, wanted);
        }
        if (output != null || discards) {
            var mode = discards ? Pump.Mode.DISCARD : Pump.Mode.TERMINAL;
            outputs.add(settings.loop().start(kept, its.duplicate(), output, mode, Pump.From.TERMINAL));
            output = null; // It is the pump's now.
        }
        if (toFile != null && file != null && spool != null) {
            outputs.add(settings.loop().append(kept, toFile, file, spool));
            toFile = null;
            file = null;
            spool = null;
        }
        var from = input;
        if (from != null) {
            reading = settings.loop().start(kept, from, its.duplicate(), Pump.Mode.TERMINAL, Pump.From.CLIENT);
            input = null;
            if (isInputOver) {
                var _ = reading.letGo();
            }
        }
    }

    /** What the next JVM would not get is held before the one that it came over is closed. */
    private Fd terminal() throws IOException {
        var its = master;
        if (its == null) {
            var from = connection;
            if (from == null) {
                from = Objects.requireNonNull(socket).accept(PATIENCE);
                connection = from;
                kept.keep(CONNECTION, from);
            }
            its = ConsoleSocket.receive(from, PATIENCE);
            master = its;
            kept.keep(MASTER, its);
        }
        closeConsole();
        return its;
    }

    private void closeConsole() {
        if (connection != null) {
            connection.close();
        }
        if (socket != null) {
            socket.close();
        }
    }

    @Override
    public synchronized void resize(Terminal.Size size) throws IOException {
        var open = master;
        if (open == null) {
            wanted = size; // It comes with the process.
        } else if (open.isOpen()) {
            Terminal.resize(open, size);
        }
    }

    @Override
    public void closeStdin() {
        endStdin().join();
    }

    private synchronized CompletableFuture<Void> endStdin() {
        isInputOver = true;
        if (reading != null) {
            return reading.letGo();
        }
        var both = input;
        if (both != null) {
            // Also a JVM that comes before the pump is to know it.
            try {
                input = Pump.readingEnd(both, kept);
                both.close();
            } catch (ErrnoException e) {
                ShimLog.warn("an input ends late", "error", e.getMessage());
            }
        }
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public synchronized void exited() {
        var _ = endStdin();
        if (reading != null) {
            reading.cut();
        }
        outputs.exited();
    }

    @Override
    public boolean awaitDrained(Duration patience) {
        return outputs.awaitDrained(patience);
    }

    @Override
    public void close() {
        closeOwn();
        outputs.close();
    }

    private synchronized void closeOwn() {
        exited();
        closeConsole();
        for (var fd : new @Nullable Fd[] {input, output, toFile, file, master}) {
            if (fd != null) {
                fd.close();
            }
        }
        if (spool != null) {
            spool.close();
        }
    }
}
