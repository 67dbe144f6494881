package dev.jshim.shim.stdio;

import dev.jshim.linux.Deadline;
import dev.jshim.linux.Errno;
import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Both ends of a FIFO that a client reads.
 *
 * @param writer for the output, non-blocking
 * @param spare a reading end that nobody reads: while it is open, a client that goes away breaks nothing
 */
record ClientFifo(Fd writer, Fd spare) {
    private static final int READ = OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK | OpenFlags.O_CLOEXEC;
    private static final int WRITE = OpenFlags.O_WRONLY | OpenFlags.O_NONBLOCK | OpenFlags.O_CLOEXEC;

    /** How long a client may take to open its end of a FIFO; without one the FIFO serves as a buffer. */
    private static final Duration CLIENT = Duration.ofSeconds(2);

    private static final Duration LOOK = Duration.ofMillis(2);

    /**
     * Waits for the client to have opened its end, which it does beside its call: one that came when the process had
     * ended already would find nothing, and wait for a writer forever. runc's v2 shim waits too (process/io.go
     * copyPipes, v2.1.4), without an end.
     */
    static ClientFifo open(Path path) throws ErrnoException {
        var deadline = Deadline.in(CLIENT);
        @Nullable Fd writer = null;
        while (writer == null && !deadline.isOver()) {
            writer = openIfRead(path);
        }
        try {
            var spare = FileCalls.open(path, READ, 0);
            return new ClientFifo(writer == null ? FileCalls.open(path, WRITE, 0) : writer, spare);
        } catch (ErrnoException e) {
            if (writer != null) {
                writer.close();
            }
            throw e;
        }
    }

    private static @Nullable Fd openIfRead(Path path) throws ErrnoException {
        try {
            return FileCalls.open(path, WRITE, 0);
        } catch (ErrnoException e) {
            if (e.errno() != Errno.ENXIO) {
                throw e;
            }
            LockSupport.parkNanos(LOOK.toNanos());
            return null;
        }
    }
}
