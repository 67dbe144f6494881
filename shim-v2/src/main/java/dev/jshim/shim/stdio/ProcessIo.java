package dev.jshim.shim.stdio;

import dev.jshim.linux.Fd;
import dev.jshim.linux.Terminal;
import dev.jshim.shim.task.Stdio;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The streams of one process, over pipes or a terminal. Thread-safe but for {@link #started}. */
public sealed interface ProcessIo extends AutoCloseable permits PipeIo, TerminalIo {
    /** Opens the streams of a process to be, and starts its logger where it is to have one. */
    static ProcessIo open(Stdio stdio, IoSettings settings) {
        return stdio.terminal() ? TerminalIo.open(stdio, settings) : PipeIo.open(stdio, settings);
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

    /** Where the runtime is to send the process's terminal; null where it has none. */
    @Nullable
    Path consoleSocket();

    /**
     * To be called when the runtime has given the process its streams: closes our ends of them and begins to move
     * bytes.
     */
    void started() throws IOException;

    /** Changes the size of the terminal; nothing without one, as in runc's own shim. */
    void resize(Terminal.Size size) throws IOException;

    /** Closes the shim's own writing end of stdin: the process sees the end when the last client has closed its own. */
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
     * until its end and thrown away, so that nobody is killed by SIGPIPE. A logger that has not ended is told to: this
     * waits for it, at most 12 s.
     */
    @Override
    void close();
}
