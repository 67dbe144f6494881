package dev.jshim.shim.stdio;

import dev.jshim.linux.Fd;
import dev.jshim.linux.Terminal;
import dev.jshim.task.ShimException;
import dev.jshim.task.Stdio;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The streams of one process, over pipes or a terminal. Thread-safe but for {@link #started}. */
public sealed interface ProcessIo extends AutoCloseable permits PipeIo, TerminalIo {
    /** Opens the streams of a process to be, and starts its logger if it is to have one. */
    static ProcessIo open(Stdio stdio, IoSettings settings) {
        return stdio.terminal() ? TerminalIo.open(stdio, settings) : PipeIo.open(stdio, settings);
    }

    /**
     * Takes the streams over of a process that runs or has ended, as a JVM before this one had them: bytes move from
     * then on, {@link #started} is not to be called. Of a process whose runtime call was under way when that JVM died:
     * once the call has ended, and has left a process.
     *
     * @param stdio as in {@link #open}
     * @param kept what the store has given back, by what follows the prefix of {@link IoSettings#kept} in its name;
     *     becomes this object's
     * @throws ShimException if the streams cannot be made of that
     */
    static ProcessIo restore(Stdio stdio, IoSettings settings, Map<String, Fd> kept) {
        return stdio.terminal() ? TerminalIo.restore(stdio, settings, kept) : PipeIo.restore(settings, kept);
    }

    /**
     * Opens the streams once more, of a process that is to be made again because there is none. Clients see no end.
     *
     * @param old what the store has given back, see {@link #restore}; closed when this returns or throws
     */
    static ProcessIo reopen(Stdio stdio, IoSettings settings, Map<String, Fd> old) {
        var adopted = settings.kept().adopt(old);
        try {
            return open(stdio, settings);
        } finally {
            Outputs.discard(settings, adopted);
        }
    }

    /**
     * Gives up what the store has given back and is of no process any more. What was left in the background, and still
     * writes, is read until its end.
     */
    static void discard(IoSettings settings, Map<String, Fd> old) {
        Outputs.discard(settings, settings.kept().adopt(old));
    }

    /** What the process is to have as stdin; null for /dev/null. */
    @Nullable
    Fd stdin();

    /** What the process is to have as stdout; null for /dev/null. */
    @Nullable
    Fd stdout();

    /** What the process is to have as stderr; null for /dev/null. */
    @Nullable
    Fd stderr();

    /** Where the runtime is to send the process's terminal; null if it has none. */
    @Nullable
    Path consoleSocket();

    /**
     * To be called when the runtime has given the process its streams: closes our ends of them and begins to move
     * bytes.
     */
    void started() throws IOException;

    /** Changes the size of the terminal; nothing without one, as in runc's own shim. */
    void resize(Terminal.Size size) throws IOException;

    /**
     * Closes the shim's own writing end of stdin: the process sees the end when the last client has closed its own.
     * When this returns it is done, also for a JVM after this one.
     */
    void closeStdin();

    /**
     * To be called when the process has exited: clients see the end of its output, once all has been moved and nothing
     * else holds it. They wait for that before they call Delete, so that it must not be left to Delete.
     */
    void exited();

    /**
     * Waits until all output has been moved and its logger, if any, has ended. Answers false when something still holds
     * a stream open after that time. The time is longer for what a process has left in the background, see
     * {@link IoSettings}, and 10 s for a client that has the stream open and is slow to read what there is.
     */
    boolean awaitDrained(Duration patience);

    /**
     * Closes everything at once; output that was not moved yet is lost. What a process still writes into a pipe is read
     * until its end and thrown away, so that nobody is killed by SIGPIPE. A logger that has not ended gets SIGTERM:
     * this waits for it, at most 12 s.
     */
    @Override
    void close();
}
