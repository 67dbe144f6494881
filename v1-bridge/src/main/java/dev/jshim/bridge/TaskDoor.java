package dev.jshim.bridge;

import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.UnixSocket;
import dev.jshim.shim.log.ShimLog;
import dev.jshim.ttrpc.TtrpcServer;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The listening socket of one adopted container, which lets its clients in. Thread-safe. */
final class TaskDoor implements AutoCloseable {
    private static final Duration OUT_OF_DESCRIPTORS = Duration.ofMillis(200);

    private final UnixSocket listener;
    private final TtrpcServer server;
    private @Nullable Thread accepting;

    private TaskDoor(UnixSocket listener, TtrpcServer server) {
        this.listener = listener;
        this.server = server;
    }

    /** Listens. What lies at the path is taken away: who calls holds the lock that makes it ours. */
    static TaskDoor listen(Path path, TtrpcServer server) throws IOException {
        try {
            PrivateSocket.prepare(path);
            var listener = UnixSocket.listen(path);
            PrivateSocket.restrict(path);
            return new TaskDoor(listener, server);
        } catch (ErrnoException e) {
            throw new IOException("cannot listen on " + path + ": " + e.getMessage(), e);
        }
    }

    /** Goes on with the socket that another bridge has listened on. */
    static TaskDoor of(UnixSocket listener, TtrpcServer server) {
        return new TaskDoor(listener, server);
    }

    UnixSocket listener() {
        return listener;
    }

    /** Begins to let clients in. */
    synchronized void open() {
        listener.resumeReading();
        accepting = Thread.ofVirtual().name("door").start(this::accept);
    }

    /** Lets nobody in any more; who comes now waits in front of the door. Blocks until that is so. */
    synchronized void shut() {
        listener.stopReading();
        var thread = accepting;
        if (thread != null) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            accepting = null;
        }
    }

    private void accept() {
        while (true) {
            try {
                server.serve(new TaskPeer(listener.accept()));
            } catch (ClosedChannelException | InterruptedIOException e) {
                return;
            } catch (IOException e) {
                ShimLog.warn("cannot let a client in", "error", e);
                try {
                    Thread.sleep(OUT_OF_DESCRIPTORS);
                } catch (InterruptedException stopped) {
                    Thread.currentThread().interrupt();
                    return;
                }
            }
        }
    }

    /** Closes the socket here; where another bridge has it, it goes on listening. */
    @Override
    public void close() {
        listener.close();
    }

    /** Removes the name, so that nobody comes any more. */
    static void remove(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            ShimLog.warn("could not remove a socket", "path", path, "error", e);
        }
    }
}
