package dev.jshim.ttrpc;

import java.util.concurrent.atomic.AtomicLong;

/**
 * The heap that all peers of this process' servers can take together: for their connections, half frames, calls and
 * unread answers. Thread-safe.
 *
 * <p>It is counted before it is allocated, so that peers who ask for more than there is are refused, and nobody's
 * allocation fails on their account. A quarter is for connections, and a quarter for small calls, which so are served
 * while others have taken all else.
 */
final class Budget {
    /** A connection: its threads' stacks, a small frame on its way in and one on its way out. */
    static final int CONNECTION = 6 << 10;

    /** A call, but for its messages. */
    static final int CALL = 4 << 10;

    /** What a connection may have in either direction without asking. */
    static final int SMALL = 2 << 10;

    /** The answer of a small call. */
    static final int MODERATE = 64 << 10;

    /** For peers that this process has chosen itself. */
    static final Budget ENDLESS = new Budget(Long.MAX_VALUE);

    private static final Budget OF_PROCESS =
            new Budget(Math.max(8L * Frame.MAX_LENGTH, Runtime.getRuntime().maxMemory() / 4));

    private final long limit;
    private final AtomicLong taken = new AtomicLong();
    private final AtomicLong connections = new AtomicLong();

    /** @param limit in bytes */
    Budget(long limit) {
        this.limit = limit;
    }

    /** A quarter of the heap. */
    static Budget ofProcess() {
        return OF_PROCESS;
    }

    /** Makes room for a connection; false if there are too many. */
    boolean connect() {
        return take(connections, CONNECTION, limit / 4);
    }

    void disconnect() {
        connections.addAndGet(-CONNECTION);
    }

    /** Takes so many bytes, or none if there are not so many. */
    boolean take(long bytes) {
        return take(taken, bytes, limit / 2);
    }

    /** The same for a small call and its answer. */
    boolean takeLast(long bytes) {
        return take(taken, bytes, limit - limit / 4);
    }

    private static boolean take(AtomicLong from, long bytes, long most) {
        long now = from.get();
        while (bytes <= most - now) {
            if (from.compareAndSet(now, now + bytes)) {
                return true;
            }
            now = from.get();
        }
        return false;
    }

    void give(long bytes) {
        taken.addAndGet(-bytes);
    }

    /** Whether those who can wait should. */
    boolean isScarce() {
        return taken.get() > limit / 4;
    }

    /** All that is taken now. */
    long taken() {
        return taken.get() + connections.get();
    }
}
