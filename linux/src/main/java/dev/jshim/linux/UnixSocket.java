package dev.jshim.linux;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import java.time.Duration;

/**
 * A unix socket that listens or is connected, and whose descriptor can be had: unlike one of the JDK's it can be handed
 * to another process while its peer stays connected. Who waits parks, so that virtual threads can use it; any thread.
 */
public final class UnixSocket implements AutoCloseable {
    private static final int BACKLOG = 128;
    private static final int CHUNK = 64 << 10;
    private static final int SHUT_RDWR = 2;
    private static final int MSG_PEEK = 2;
    private static final int MSG_DONTWAIT = 0x40;
    private static final int SOL_SOCKET = 1;
    private static final int SO_PEERCRED = 17;
    /** sizeof(struct ucred): pid, uid, gid. */
    private static final int CREDENTIALS = 12;

    private static final Duration FOR_EVER = Duration.ofDays(36_500);

    private final ReadyFd ready;

    private UnixSocket(Fd fd) throws ErrnoException {
        ready = new ReadyFd(fd);
    }

    /** Takes over the descriptor of a unix socket, which is made non-blocking. */
    public static UnixSocket of(Fd fd) throws ErrnoException {
        fd.setNonBlocking(true);
        return new UnixSocket(fd);
    }

    /** Listens for streams. The name appears with the mode that the umask leaves; it must be free. */
    public static UnixSocket listen(Path path) throws ErrnoException {
        return new UnixSocket(UnixSockets.listen(path, UnixSockets.STREAM, BACKLOG));
    }

    /** Listens for connections that carry whole messages. */
    public static UnixSocket listenForMessages(Path path) throws ErrnoException {
        return new UnixSocket(UnixSockets.listen(path, UnixSockets.SEQPACKET, 1));
    }

    /** Connects to {@link #listen}; EAGAIN if so many wait there to be accepted that there is no room. */
    public static UnixSocket connect(Path path) throws ErrnoException {
        return new UnixSocket(UnixSockets.connect(path, UnixSockets.STREAM));
    }

    /** Connects to {@link #listenForMessages}. */
    public static UnixSocket connectForMessages(Path path) throws ErrnoException {
        return new UnixSocket(UnixSockets.connect(path, UnixSockets.SEQPACKET));
    }

    /** Two ends that are connected, for whole messages. */
    public static UnixSocket[] pairForMessages() throws ErrnoException {
        var ends = UnixSockets.pair(UnixSockets.SEQPACKET);
        return new UnixSocket[] {new UnixSocket(ends[0]), new UnixSocket(ends[1])};
    }

    /** The descriptor; still owned here. */
    public Fd fd() {
        return ready.fd();
    }

    /**
     * Waits for a connection.
     *
     * @throws ClosedChannelException after {@link #close}
     * @throws InterruptedIOException after {@link #stopReading}
     */
    public UnixSocket accept() throws IOException {
        return new UnixSocket(acceptFd());
    }

    /** The same, at most that long: a {@link java.net.SocketTimeoutException} then. */
    public UnixSocket accept(Duration patience) throws IOException {
        return new UnixSocket(acceptFd(patience));
    }

    /** As {@link #accept()}, and gives the descriptor, which nothing waits on yet. */
    public Fd acceptFd() throws IOException {
        return acceptFd(FOR_EVER);
    }

    private Fd acceptFd(Duration patience) throws IOException {
        var peer = ready.call(
                Epoll.IN,
                patience,
                fd -> NativeCall.retrying(Syscall.ACCEPT4, fd, 0, 0, UnixSockets.FLAGS, 0, 0),
                "accept");
        return Fd.of((int) peer);
    }

    /**
     * Waits for bytes and reads them.
     *
     * @return -1 when the peer has ended the connection
     * @throws ClosedChannelException after {@link #close}
     * @throws InterruptedIOException after {@link #stopReading}; nothing was taken then
     */
    public int read(ByteBuffer to) throws IOException {
        if (!to.hasRemaining()) {
            return 0;
        }
        try (var memory = new Memory()) {
            var size = Math.min(to.remaining(), CHUNK);
            var bytes = memory.block(size);
            var count = (int) ready.call(
                    Epoll.IN, FOR_EVER, fd -> NativeCall.retrying(Syscall.READ, fd, bytes.address(), size), "read");
            if (count == 0) {
                return -1;
            }
            to.put(bytes.buffer().slice(0, count));
            return count;
        }
    }

    /**
     * Waits for bytes and copies them, without taking them.
     *
     * @return -1 when the peer has ended the connection
     * @throws ClosedChannelException after {@link #close}
     * @throws InterruptedIOException after {@link #stopReading}
     */
    public int peek(ByteBuffer to) throws IOException {
        return peek(to, FOR_EVER);
    }

    /** The same, at most that long: a {@link java.net.SocketTimeoutException} then. */
    public int peek(ByteBuffer to, Duration patience) throws IOException {
        try (var memory = new Memory()) {
            var size = Math.min(to.remaining(), CHUNK);
            var bytes = memory.block(size);
            var count = (int) ready.call(Epoll.IN, patience, fd -> peek(fd, bytes, size), "recv");
            if (count == 0) {
                return -1;
            }
            to.put(bytes.buffer().slice(0, count));
            return count;
        }
    }

    /** Copies what is there now, without taking it: at most that much, perhaps nothing. Never waits. */
    public byte[] peekNow(int size) {
        try (var memory = new Memory()) {
            var bytes = memory.block(Math.max(1, size));
            var count = new long[1];
            ready.now(fd -> count[0] = peek(fd, bytes, size));
            var seen = new byte[(int) Math.max(0, count[0])];
            bytes.buffer().get(0, seen);
            return seen;
        }
    }

    private static long peek(int fd, Memory.Block to, int size) {
        return NativeCall.retrying(Syscall.RECVFROM, fd, to.address(), size, MSG_PEEK | MSG_DONTWAIT, 0, 0);
    }

    /** Waits until the peer takes some of the bytes; returns how many. */
    public int write(ByteBuffer from) throws IOException {
        var size = Math.min(from.remaining(), CHUNK);
        if (size == 0) {
            return 0;
        }
        try (var memory = new Memory()) {
            var bytes = memory.block(size);
            bytes.buffer().put(0, from, from.position(), size);
            var count = (int) ready.call(Epoll.OUT, FOR_EVER, fd -> send(fd, bytes, size), "send");
            from.position(from.position() + count);
            return count;
        }
    }

    /** Writes what the socket takes at once, perhaps nothing; returns how many bytes. Never waits. */
    public int writeNow(ByteBuffer from) throws IOException {
        var size = Math.min(from.remaining(), CHUNK);
        if (size == 0) {
            return 0;
        }
        try (var memory = new Memory()) {
            var bytes = memory.block(size);
            bytes.buffer().put(0, from, from.position(), size);
            var count = (int) Math.max(0, ready.once(fd -> send(fd, bytes, size), "send"));
            from.position(from.position() + count);
            return count;
        }
    }

    private static long send(int fd, Memory.Block bytes, int size) {
        return NativeCall.retrying(Syscall.SENDTO, fd, bytes.address(), size, FdMessage.MSG_NOSIGNAL, 0, 0);
    }

    /** Sends a message, with a duplicate of its descriptor; waits at most that long. */
    public void send(FdMessage message, Duration patience) throws IOException {
        ready.call(Epoll.OUT, patience, message::send, "sendmsg");
    }

    /** Receives a message of at most that many bytes; waits at most that long. One without data is the end. */
    public FdMessage receive(int size, Duration patience) throws IOException {
        var got = new FdMessage[1];
        ready.call(
                Epoll.IN,
                patience,
                fd -> {
                    var received = FdMessage.receive(fd, size);
                    got[0] = received.message();
                    return received.result();
                },
                "recvmsg");
        return got[0];
    }

    /** The user id of the peer as it connected, see SO_PEERCRED in unix(7). */
    public int peerUser() throws ErrnoException {
        try (var memory = new Memory()) {
            var credentials = memory.block(CREDENTIALS);
            var length = memory.block(Integer.BYTES);
            length.buffer().putInt(0, CREDENTIALS);
            var result = new long[] {-Errno.EBADF.number()};
            ready.now(fd -> result[0] = NativeCall.once(
                    Syscall.GETSOCKOPT, fd, SOL_SOCKET, SO_PEERCRED, credentials.address(), length.address(), 0));
            NativeCall.check(result[0], "getsockopt", fd());
            return credentials.buffer().getInt(Integer.BYTES);
        }
    }

    /** Ends each accept or read, those under way and later ones, with an InterruptedIOException. */
    public void stopReading() {
        ready.stop(true);
    }

    /** Allows it again. */
    public void resumeReading() {
        ready.stop(false);
    }

    /** Ends the connection for the peer too, however many processes hold the socket. */
    public void shutdown() {
        ready.now(fd -> NativeCall.once(Syscall.SHUTDOWN, fd, SHUT_RDWR, 0));
    }

    public boolean isOpen() {
        return ready.isOpen();
    }

    /** Closes this process's descriptor; if another process has got it the peer does not notice. */
    @Override
    public void close() {
        ready.close();
    }
}
