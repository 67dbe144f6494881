package dev.jshim.shim.stdio;

import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.ExitedChild;
import dev.jshim.linux.Fd;
import dev.jshim.linux.ProcessId;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Starts the loggers of one process, as children of whoever waits for this process' children. */
public interface LoggerLauncher {
    /**
     * Starts a logger with /dev/null as its standard streams; returns once the program has been loaded.
     *
     * @param descriptors what it finds from number 3 on, in this order; they stay the caller's
     */
    Running start(Path program, List<String> arguments, List<Fd> descriptors) throws ErrnoException;

    /**
     * A logger that a JVM before this one has started. It may have ended, and nobody may know its status any more: its
     * end has come all the same.
     */
    Running adopt(ProcessId logger);

    /** A logger that has been started. Thread-safe. */
    interface Running {
        int pid();

        /** Its end, whether it has come already or is yet to come. */
        CompletableFuture<ExitedChild> ended();

        /** Signals it, if it has not ended. */
        void signal(int signal) throws ErrnoException;
    }
}
