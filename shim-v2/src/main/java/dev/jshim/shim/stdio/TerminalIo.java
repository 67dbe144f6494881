package dev.jshim.shim.stdio;

import dev.jshim.linux.ConsoleSocket;
import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import dev.jshim.linux.Terminal;
import dev.jshim.shim.task.ShimException;
import dev.jshim.shim.task.Stdio;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
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

    private final IoSettings settings;
    private final ConsoleSocket socket;
    private final Outputs outputs;
    private @Nullable Fd input;
    private boolean isInputOver;
    private @Nullable Fd output;
    private Pump.Mode outputMode = Pump.Mode.COPY;
    private Terminal.@Nullable Size wanted;
    private @Nullable Fd master;
    private @Nullable Pump reading;

    private TerminalIo(IoSettings settings, ConsoleSocket socket) {
        this.settings = settings;
        this.socket = socket;
        outputs = new Outputs(settings.background());
    }

    static TerminalIo open(Stdio stdio, IoSettings settings) {
        TerminalIo io = null;
        try {
            io = new TerminalIo(settings, ConsoleSocket.listen(settings.console()));
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

    private static void closeQuietly(@Nullable TerminalIo io) {
        if (io != null) {
            io.close();
        }
    }

    private void openInput(@Nullable Sink source) throws ErrnoException {
        switch (source) {
            case null -> {}
            case Sink.Fifo(var path) -> {
                input = FileCalls.open(path, BOTH, 0);
            }
            case Sink.File(var path) -> throw notFifo(path);
            case Sink.Binary(var program, var _, var _) -> throw notFifo(program);
        }
    }

    private static ShimException notFifo(Path path) {
        return ShimException.invalidArgument("stdin of a terminal must be a FIFO, and " + path + " is none");
    }

    private void openOutput(@Nullable Sink sink) throws IOException {
        switch (sink) {
            case null -> {
                // Somebody has to read a terminal, or whoever writes to it stops.
                output = FileCalls.open(Path.of("/dev/null"), WRITE, 0);
                outputMode = Pump.Mode.APPEND;
            }
            case Sink.Fifo(var path) -> {
                var fifo = ClientFifo.open(path);
                outputs.keep(fifo.keeper());
                output = fifo.writer();
            }
            case Sink.File(var path) -> {
                output = FileCalls.open(path, APPEND, 0644);
                outputMode = Pump.Mode.APPEND;
            }
            case Sink.Binary binary -> {
                var logger = Logger.start(settings.loop(), settings.loggers(), binary, Logger.READY);
                outputs.use(logger);
                output = logger.stdout().duplicate();
                logger.handedOver(); // A terminal has no stderr of its own: that of the logger ends here.
            }
        }
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
    public Path consoleSocket() {
        return socket.path();
    }

    @Override
    public synchronized void started() throws IOException {
        var received = socket.receive(PATIENCE);
        master = received;
        socket.close();
        if (wanted != null) {
            Terminal.resize(received, wanted);
        }
        var to = output;
        if (to != null) {
            outputs.add(settings.loop().start(received.duplicate(), to, outputMode, Pump.From.TERMINAL));
            output = null; // It is the pump's now.
        }
        var from = input;
        if (from != null) {
            reading = settings.loop().start(from, received.duplicate(), Pump.Mode.COPY, Pump.From.CLIENT);
            input = null;
            if (isInputOver) {
                reading.letGo();
            }
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
    public synchronized void closeStdin() {
        isInputOver = true;
        if (reading != null) {
            reading.letGo();
        }
    }

    @Override
    public synchronized void exited() {
        closeStdin();
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
        socket.close();
        for (var fd : new @Nullable Fd[] {input, output, master}) {
            if (fd != null) {
                fd.close();
            }
        }
    }
}
