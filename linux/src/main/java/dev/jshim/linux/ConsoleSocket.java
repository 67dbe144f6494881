package dev.jshim.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Where an OCI runtime sends the master of a terminal that it made (runc docs/terminals.md, "console socket"): a
 * listening unix socket that takes one connection, and one descriptor over it by SCM_RIGHTS (unix(7), cmsg(3)).
 *
 * <p>Used by one thread. The JDK's own channels cannot receive descriptors.
 */
public final class ConsoleSocket implements AutoCloseable {
    private static final int NAME_SPACE = 4096;

    private final Path path;
    private final Fd listener;

    private ConsoleSocket(Path path, Fd listener) {
        this.path = path;
        this.listener = listener;
    }

    /**
     * Begins to listen.
     *
     * @param path at most 107 bytes, in a directory that nobody else can enter
     */
    public static ConsoleSocket listen(Path path) throws ErrnoException {
        return new ConsoleSocket(path, UnixSockets.listen(path, UnixSockets.STREAM, 1));
    }

    /**
     * Takes over one that listens already.
     *
     * @param path its name, which {@link #close} removes
     */
    public static ConsoleSocket of(Path path, Fd listener) {
        return new ConsoleSocket(path, listener);
    }

    /** What the runtime is given. */
    public Path path() {
        return path;
    }

    /** The socket; still owned here. */
    public Fd listener() {
        return listener;
    }

    /**
     * The runtime's connection.
     *
     * <p>Waits in epoll, here and in {@link #receive}: platform threads, unless the runtime has ended already.
     *
     * @throws IOException if none came in time
     */
    public Fd accept(Duration patience) throws IOException {
        awaitReadable(listener, patience);
        var peer = NativeCall.retrying(Syscall.ACCEPT4, listener.number(), 0, 0, UnixSockets.FLAGS, 0, 0);
        return Fd.of((int) NativeCall.check(peer, "accept", path));
    }

    /**
     * The terminal's master. A runtime that has made a terminal has sent it by the time its command ends. The
     * connection still has it too, until it is closed.
     *
     * @throws IOException if none came in time, or something else did
     */
    public static Fd receive(Fd connection, Duration patience) throws IOException {
        awaitReadable(connection, patience);
        var received = FdMessage.peek(connection.number(), NAME_SPACE);
        NativeCall.check(received.result(), "recvmsg", connection);
        var master = received.message().fd();
        if (master == null) {
            throw new IOException("the runtime sent no descriptor");
        }
        return master;
    }

    private static void awaitReadable(Fd fd, Duration patience) throws IOException {
        try (var epoll = new Epoll()) {
            List<Epoll.Event> events = new ArrayList<>();
            epoll.add(fd, Epoll.IN, 0);
            var deadline = Deadline.in(patience);
            while (epoll.await(events, (int) deadline.left().toMillis()) == 0) {
                if (deadline.isOver()) {
                    throw new IOException("the runtime sent no terminal within " + patience.toMillis() + " ms");
                }
            }
        }
    }

    /** Stops listening and removes the socket's name. */
    @Override
    public void close() {
        listener.close();
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            // It lies in a directory of its owner's, who removes that.
        }
    }
}
