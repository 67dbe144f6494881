package dev.jshim.ttrpc;

import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Messages of one stream that came and were not yet asked for, and the end behind them.
 *
 * <p>ttrpc has no flow control, so the box is bounded: a stream that overfills it is ended. For any thread.
 */
final class Inbox {
    static final int MAX_MESSAGES = 1024;
    static final long MAX_BYTES = 8L << 20;

    private final ArrayDeque<Payload> messages = new ArrayDeque<>(1);
    private long bytes;
    private long requested;
    private boolean ended;
    private boolean endTaken;

    /** False when the box is full; what comes after the end is dropped. */
    synchronized boolean offer(Payload message) {
        if (ended) {
            return true;
        }
        boolean fits = messages.isEmpty() || (messages.size() < MAX_MESSAGES && bytes + message.length <= MAX_BYTES);
        if (fits) {
            messages.add(message);
            bytes += message.length;
        }
        return fits;
    }

    synchronized void end() {
        ended = true;
    }

    synchronized void clear() {
        messages.clear();
        bytes = 0;
    }

    synchronized void request(int count) {
        requested += count;
    }

    /** The next message, if there is one and it was asked for. */
    synchronized @Nullable Payload poll() {
        if (requested == 0 || messages.isEmpty()) {
            return null;
        }
        requested--;
        Payload message = messages.remove();
        bytes -= message.length;
        return message;
    }

    /** True once: when the end was reached. */
    synchronized boolean takeEnd() {
        if (!ended || endTaken || !messages.isEmpty()) {
            return false;
        }
        endTaken = true;
        return true;
    }
}
