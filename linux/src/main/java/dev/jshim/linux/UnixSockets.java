package dev.jshim.linux;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Unix sockets by system call, see unix(7): for descriptors that go over them, which the JDK's channels cannot. */
final class UnixSockets {
    /** Bytes in order, without bounds. */
    static final int STREAM = 1;
    /** Messages in order, each whole. */
    static final int SEQPACKET = 5;

    static final int FLAGS = OpenFlags.O_NONBLOCK | OpenFlags.O_CLOEXEC;

    private static final int AF_UNIX = 1;
    /** sizeof(struct sockaddr_un) less sun_family. */
    private static final int PATH_SPACE = 108;

    private UnixSockets() {}

    /** Binds and listens; the name appears with the mode that the umask leaves. Non-blocking. */
    static Fd listen(Path path, int type, int backlog) throws ErrnoException {
        var listener = open(type | FLAGS);
        try {
            named(path, (name, length) -> NativeCall.once(Syscall.BIND, listener.number(), name, length), "bind");
            NativeCall.check(NativeCall.once(Syscall.LISTEN, listener.number(), backlog, 0), "listen", path);
            return listener;
        } catch (ErrnoException | RuntimeException e) {
            listener.close();
            throw e;
        }
    }

    /** Connects; non-blocking, so EAGAIN if the listener's queue is full. */
    static Fd connect(Path path, int type) throws ErrnoException {
        var socket = open(type | FLAGS);
        try {
            named(path, (name, length) -> NativeCall.once(Syscall.CONNECT, socket.number(), name, length), "connect");
            return socket;
        } catch (ErrnoException | RuntimeException e) {
            socket.close();
            throw e;
        }
    }

    /** Two sockets that are connected; non-blocking. */
    static Fd[] pair(int type) throws ErrnoException {
        try (var memory = new Memory()) {
            var ends = memory.block(2 * Integer.BYTES);
            NativeCall.check(
                    NativeCall.once(Syscall.SOCKETPAIR, AF_UNIX, type | FLAGS, 0, ends.address(), 0, 0),
                    "socketpair",
                    null);
            return new Fd[] {Fd.of(ends.buffer().getInt(0)), Fd.of(ends.buffer().getInt(Integer.BYTES))};
        }
    }

    private static Fd open(int type) throws ErrnoException {
        return Fd.of((int) NativeCall.check(NativeCall.once(Syscall.SOCKET, AF_UNIX, type, 0), "socket", null));
    }

    @FunctionalInterface
    private interface NamedCall {
        long run(long address, long length);
    }

    private static void named(Path path, NamedCall call, String name) throws ErrnoException {
        var bytes = path.toString().getBytes(StandardCharsets.UTF_8);
        if (bytes.length >= PATH_SPACE) {
            throw new ErrnoException(name, path.toString(), Errno.ENAMETOOLONG.number());
        }
        try (var memory = new Memory()) {
            var address = memory.block(2 + PATH_SPACE);
            address.buffer().putShort(0, (short) AF_UNIX).put(2, bytes);
            NativeCall.check(call.run(address.address(), 2L + bytes.length + 1), name, path);
        }
    }
}
