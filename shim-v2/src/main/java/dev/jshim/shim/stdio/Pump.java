package dev.jshim.shim.stdio;

import dev.jshim.linux.Epoll;
import dev.jshim.linux.Errno;
import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.Splice;
import dev.jshim.shim.log.ShimLog;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Moves bytes from one descriptor to another, inside the kernel where both are pipes.
 *
 * <p>All but {@link #cut}, {@link #ended} and {@link #isHeldUp} belongs to the thread of the {@link PumpLoop}. A pump
 * has both descriptors registered once, edge-triggered: each event, of either end, is a reason to move what can be
 * moved.
 */
public final class Pump {
    /** How bytes get from one end to the other. */
    enum Mode {
        /** Pipe to pipe, inside the kernel. */
        SPLICE,
        /** To a file opened for appending, which takes no splice and never makes anybody wait. */
        APPEND,
        /** From or to a terminal, which takes no splice either. */
        COPY
    }

    private static final int AT_ONCE = 1 << 20;
    private static final int BUFFER = 32 * 1024;
    /** Moves at one turn, after which the other pumps have theirs. */
    private static final int TURN = 64;

    private final PumpLoop loop;
    private final Fd source;
    private final Fd sink;
    private final Mode mode;
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    private long key = -1;
    private boolean registered;
    private boolean failing;
    private byte @Nullable [] buffer;
    /** What has been read and not been written yet. */
    private int offset;

    private int length;
    /** Whether {@code length} is more than 0, for other threads. */
    private volatile boolean half;

    Pump(PumpLoop loop, Fd source, Fd sink, Mode mode) {
        this.loop = loop;
        this.source = source;
        this.sink = sink;
        this.mode = mode;
    }

    /** Completes when all has been moved, or the pump was cut; both descriptors are closed by then. */
    public CompletableFuture<Void> ended() {
        return ended;
    }

    /** Ends it at once. */
    public void cut() {
        loop.cut(this);
    }

    /** Whether there is something to be moved, which the other end does not take. From any thread. */
    boolean isHeldUp() {
        try {
            return !ended.isDone() && (half || FileCalls.unread(source) > 0);
        } catch (ErrnoException e) {
            return false; // It has just been closed.
        }
    }

    long key() {
        return key;
    }

    void begin(long newKey) {
        key = newKey;
    }

    /** Moves what can be moved now. Answers false when there will never be more. */
    boolean move(Epoll epoll) {
        try {
            if (!registered) {
                source.setNonBlocking(true);
                epoll.add(source, Epoll.IN | Epoll.EDGE_TRIGGERED, key);
                if (mode != Mode.APPEND) {
                    sink.setNonBlocking(true);
                    epoll.add(sink, Epoll.OUT | Epoll.EDGE_TRIGGERED, key + 1);
                }
                registered = true;
            }
            return switch (mode) {
                case SPLICE -> splice();
                case APPEND -> append();
                case COPY -> copy();
            };
        } catch (ErrnoException e) {
            // EIO is how a terminal's master says that nobody has the other side open any more.
            if (e.errno() != Errno.EPIPE && e.errno() != Errno.EIO) {
                ShimLog.warn("a stream ended early", "error", e.getMessage());
            }
            return false;
        }
    }

    private boolean splice() throws ErrnoException {
        for (var i = 0; i < TURN; i++) {
            var moved = Splice.trySplice(source, sink, AT_ONCE);
            if (moved == 0) {
                return false;
            }
            if (moved == Splice.WOULD_BLOCK) {
                return true;
            }
        }
        loop.again(this);
        return true;
    }

    private boolean append() throws ErrnoException {
        var buffer = buffer();
        for (var i = 0; i < TURN; i++) {
            var count = source.tryRead(buffer);
            if (count <= 0) {
                return count == 0;
            }
            write(buffer, count);
        }
        loop.again(this);
        return true;
    }

    private boolean copy() throws ErrnoException {
        var buffer = buffer();
        for (var i = 0; i < TURN; i++) {
            if (length == 0) {
                var count = source.tryRead(buffer);
                if (count <= 0) {
                    return count == 0;
                }
                offset = 0;
                length = count;
            }
            try {
                var written = sink.write(buffer, offset, length);
                offset += written;
                length -= written;
                half = false;
            } catch (ErrnoException e) {
                if (e.errno() == Errno.EAGAIN) {
                    half = true;
                    return true;
                }
                throw e;
            }
        }
        loop.again(this);
        return true;
    }

    private byte[] buffer() {
        var own = buffer;
        if (own == null) {
            own = new byte[BUFFER];
            buffer = own;
        }
        return own;
    }

    /** What a full disk does not take is lost; the process that writes is not, as it would be if nobody read. */
    private void write(byte[] buffer, int count) {
        try {
            sink.writeFully(buffer, 0, count);
            failing = false;
        } catch (ErrnoException e) {
            if (!failing) {
                ShimLog.warn("output is lost", "error", e.getMessage());
            }
            failing = true;
        }
    }

    void finish(Epoll epoll) {
        if (registered) {
            forget(epoll, source);
            if (mode != Mode.APPEND) {
                forget(epoll, sink);
            }
        }
        source.close();
        sink.close();
        ended.complete(null);
    }

    private static void forget(Epoll epoll, Fd fd) {
        try {
            epoll.remove(fd);
        } catch (ErrnoException e) {
            ShimLog.debug("descriptor was not watched", "error", e.getMessage());
        }
    }
}
