package dev.jshim.linux;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
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
    private static final int AF_UNIX = 1;
    private static final int SOCK_STREAM = 1;
    private static final int SOCK_NONBLOCK = OpenFlags.O_NONBLOCK;
    private static final int SOCK_CLOEXEC = OpenFlags.O_CLOEXEC;
    private static final int SOL_SOCKET = 1;
    private static final int SCM_RIGHTS = 1;
    private static final int MSG_CMSG_CLOEXEC = 0x4000_0000;
    /** sizeof(struct sockaddr_un) less sun_family. */
    private static final int PATH_SPACE = 108;
    /** struct msghdr and struct iovec on 64 bits; CMSG_SPACE(sizeof(int)) is 24. */
    private static final int MSGHDR = 56;

    private static final int IOVEC = 16;
    private static final int CONTROL = 24;
    private static final int CONTROL_DATA = 16;
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
        var type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
        var listener = Fd.of((int) NativeCall.check(NativeCall.once(Syscall.SOCKET, AF_UNIX, type, 0), "socket", null));
        try (var memory = new Memory()) {
            var name = path.toString().getBytes(StandardCharsets.UTF_8);
            if (name.length >= PATH_SPACE) {
                throw new ErrnoException("bind", path.toString(), Errno.ENAMETOOLONG.number());
            }
            var address = memory.block(2 + PATH_SPACE);
            address.buffer().putShort(0, (short) AF_UNIX).put(2, name);
            var length = 2 + name.length + 1;
            NativeCall.check(NativeCall.once(Syscall.BIND, listener.number(), address.address(), length), "bind", path);
            NativeCall.check(NativeCall.once(Syscall.LISTEN, listener.number(), 1, 0), "listen", path);
            return new ConsoleSocket(path, listener);
        } catch (ErrnoException | RuntimeException e) {
            listener.close();
            throw e;
        }
    }

    /** What the runtime is to be told. */
    public Path path() {
        return path;
    }

    /**
     * The terminal's master. A runtime that has made a terminal has sent it by the time its command ends.
     *
     * <p>Waits in epoll: platform threads, unless the runtime has ended already.
     *
     * @throws IOException where none came in time, or something else did
     */
    public Fd receive(Duration patience) throws IOException {
        awaitReadable(listener, patience);
        var peer = NativeCall.retrying(Syscall.ACCEPT4, listener.number(), 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK, 0, 0);
        try (var connection = Fd.of((int) NativeCall.check(peer, "accept", path))) {
            awaitReadable(connection, patience);
            return receive(connection);
        }
    }

    private static void awaitReadable(Fd fd, Duration patience) throws IOException {
        try (var epoll = new Epoll()) {
            List<Epoll.Event> events = new ArrayList<>();
            epoll.add(fd, Epoll.IN, 0);
            var deadline = System.nanoTime() + patience.toNanos();
            while (epoll.await(events, (int) Math.max(0, (deadline - System.nanoTime()) / 1_000_000)) == 0) {
                if (System.nanoTime() >= deadline) {
                    throw new IOException("the runtime sent no terminal within " + patience.toMillis() + " ms");
                }
            }
        }
    }

    private Fd receive(Fd connection) throws IOException {
        try (var memory = new Memory()) {
            var name = memory.block(NAME_SPACE);
            var iovec = memory.block(IOVEC);
            iovec.buffer().putLong(0, name.address()).putLong(8, NAME_SPACE);
            var control = memory.block(CONTROL);
            var message = memory.block(MSGHDR);
            // msg_iov at 16, msg_iovlen at 24, msg_control at 32, msg_controllen at 40; no name.
            message.buffer().putLong(16, iovec.address()).putLong(24, 1);
            message.buffer().putLong(32, control.address()).putLong(40, CONTROL);
            var got = NativeCall.retrying(Syscall.RECVMSG, connection.number(), message.address(), MSG_CMSG_CLOEXEC);
            NativeCall.check(got, "recvmsg", path);
            var header = control.buffer();
            var isDescriptor = message.buffer().getLong(40) >= CONTROL_DATA + Integer.BYTES
                    && header.getInt(8) == SOL_SOCKET
                    && header.getInt(12) == SCM_RIGHTS;
            if (!isDescriptor) {
                throw new IOException("the runtime sent no descriptor over " + path);
            }
            return Fd.of(header.getInt(CONTROL_DATA));
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
