package dev.jshim.bridge.serve;

import dev.jshim.bridge.record.PrivateSocket;
import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.UnixSocket;
import dev.jshim.task.ShimLog;
import dev.jshim.ttrpc.TtrpcServer;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The listening socket of one adopted container, and the way in for its clients. Who accepts them is the keeper, so
 * that none is lost between accepting and holding; this process does so while there is no keeper. Thread-safe.
 */
final class TaskDoor implements AutoCloseable {
    private static final Duration OUT_OF_DESCRIPTORS = Duration.ofMillis(200);

    private final TaskDoors doors;
    private final String name;
    private final Path path;
    private final UnixSocket listener;
    private final TtrpcServer server;
    private @Nullable Thread accepting;
    private boolean closed;

    /**
     * A door through which nobody comes yet.
     *
     * @param name by which the keeper knows the listener
     */
    TaskDoor(TaskDoors doors, String name, Path path, UnixSocket listener, TtrpcServer server) {
        this.doors = doors;
        this.name = name;
        this.path = path;
        this.listener = listener;
        this.server = server;
    }

    /** Listens. What lies at the path is taken away: who calls holds the lock that makes it ours. */
    static UnixSocket listen(Path path) throws IOException {
        try {
            PrivateSocket.prepare(path);
            var listener = UnixSocket.listen(path);
            PrivateSocket.restrict(path);
            return listener;
        } catch (ErrnoException e) {
            throw new IOException("cannot listen on " + path + ": " + e.getMessage(), e);
        }
    }

    String name() {
        return name;
    }

    UnixSocket listener() {
        return listener;
    }

    TtrpcServer server() {
        return server;
    }

    /** Accepts clients in this process, while there is no keeper to do it. */
    synchronized void open() {
        if (!closed && accepting == null) {
            listener.resumeReading();
            accepting = Thread.ofVirtual().name("door").start(this::accept);
        }
    }

    /** Accepts nobody here any more. Blocks until that is so. */
    void shut() {
        Thread thread;
        synchronized (this) {
            thread = accepting;
            accepting = null;
        }
        if (thread != null) {
            listener.stopReading();
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void accept() {
        while (true) {
            try {
                doors.serve(server, doors.accepted(name, listener.acceptFd()));
            } catch (ClosedChannelException | InterruptedIOException e) {
                return;
            } catch (IOException e) {
                ShimLog.warn("cannot accept a client", "error", e);
                try {
                    Thread.sleep(OUT_OF_DESCRIPTORS);
                } catch (InterruptedException stopped) {
                    Thread.currentThread().interrupt();
                    return;
                }
            }
        }
    }

    /** Lets nobody in any more, and removes the socket's name. */
    @Override
    public void close() {
        synchronized (this) {
            closed = true;
        }
        doors.closed(this);
        listener.close();
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            ShimLog.warn("could not remove a socket", "path", path, "error", e);
        }
    }
}
