package dev.jshim.ttrpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.ArrayDeque;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Frames on their way out of one connection, in order.
 *
 * <p>What a {@link KeptChannel} takes at once is written by the caller. Else a thread of its own writes, and lives only
 * while there is something to write: an interrupt of a caller can thus never close the connection, and a thread that
 * must not wait (a reaper that answers) never does.
 */
final class Outbox {
    /** Above this many bytes the box is not ready: who can wait, waits. */
    static final long HIGH = 1 << 20;
    /** Above this many the peer is taken for dead. */
    static final long LIMIT = Math.clamp(Runtime.getRuntime().maxMemory() / 4, 2 * HIGH, 16 << 20);

    private static final int CHUNK = 64 << 10;

    /** Called by the writing thread. */
    interface Owner {
        void writeFailed(IOException cause);

        /** A frame has been written, all of it. */
        default void written(byte[] frame) {}

        /** The box is ready again, after somebody found that it was not. */
        void readyAgain();
    }

    private final WritableByteChannel channel;
    private final ThreadFactory threads;
    private final Owner owner;
    private final Budget budget;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    @GuardedBy("lock")
    private final ArrayDeque<byte[]> frames = new ArrayDeque<>(2);

    @GuardedBy("lock")
    private long bytes;

    /** What the frames have of the budget. */
    @GuardedBy("lock")
    private long taken;

    @GuardedBy("lock")
    private boolean writing;

    @GuardedBy("lock")
    private boolean closed;

    @GuardedBy("lock")
    private boolean foundBusy;

    /**
     * @param budget for what the peer has not read; one who has much of that to be read is cut off once it is used up
     */
    Outbox(WritableByteChannel channel, ThreadFactory threads, Owner owner, Budget budget) {
        this.channel = channel;
        this.threads = threads;
        this.owner = owner;
        this.budget = budget;
    }

    /** Takes a frame over, without waiting; false when the connection has ended. */
    boolean send(byte[] frame) {
        return send(frame, 0);
    }

    /** @param share what the caller has taken of the budget for the frame, which is this box's from now on */
    boolean send(byte[] frame, long share) {
        lock.lock();
        try {
            if (closed) {
                budget.give(share);
                return false;
            }
            taken += share;
            if (bytes > LIMIT || !grow(frame.length)) {
                closed = true;
                Threads.start(threads, () -> owner.writeFailed(new IOException("the peer does not read")));
                return false;
            }
            if (writing) {
                frames.add(frame);
                return true;
            }
            writing = true;
        } finally {
            lock.unlock();
        }
        begin(frame);
        return true;
    }

    /** Writes a frame here as far as that is possible without waiting; what is left is for the thread. */
    private void begin(byte[] frame) {
        byte[] next = frame;
        int written;
        try {
            written = writeNow(frame);
            if (written == frame.length) {
                owner.written(frame);
                next = take(frame.length);
                written = 0;
            }
        } catch (IOException e) {
            close();
            Threads.start(threads, () -> owner.writeFailed(e));
            return;
        }
        if (next != null) {
            byte[] rest = next;
            int from = written;
            Threads.start(threads, () -> drain(rest, from));
        }
    }

    private int writeNow(byte[] frame) throws IOException {
        if (frame.length > CHUNK) {
            return 0;
        }
        if (channel instanceof NotedChannel noted) {
            return noted.writeNow(ByteBuffer.wrap(frame));
        }
        return channel instanceof KeptChannel kept ? kept.writeNow(ByteBuffer.wrap(frame)) : 0;
    }

    @GuardedBy("lock")
    private boolean grow(int length) {
        long more = Math.max(0, bytes + length - Budget.SMALL) - taken;
        if (more > 0 && !budget.take(more)) {
            return false;
        }
        taken += Math.max(0, more);
        bytes += length;
        return true;
    }

    @GuardedBy("lock")
    private void shrink(int length) {
        bytes -= length;
        long less = taken - Math.max(0, bytes - Budget.SMALL);
        if (less > 0) {
            budget.give(less);
            taken -= less;
        }
    }

    /** Whether who can wait need not. */
    @GuardedBy("lock")
    private boolean hasRoom() {
        return bytes <= Budget.SMALL || (bytes <= HIGH && !budget.isScarce());
    }

    /** Waits until the box is ready, the connection has ended or the caller's reason to send has. */
    void awaitReady(BooleanSupplier givenUp) {
        lock.lock();
        try {
            while (!hasRoom() && !closed && !givenUp.getAsBoolean()) {
                changed.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Makes those who wait look again at their reason to. */
    void wake() {
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    boolean isReady() {
        lock.lock();
        try {
            boolean ready = hasRoom();
            foundBusy |= !ready;
            return ready;
        } finally {
            lock.unlock();
        }
    }

    /** Waits until all is written; false when time ran out. */
    boolean awaitEmpty(long nanos) throws InterruptedException {
        long left = nanos;
        lock.lock();
        try {
            while (writing && !closed) {
                if (left <= 0) {
                    return false;
                }
                left = changed.awaitNanos(left);
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    void close() {
        lock.lock();
        try {
            closed = true;
            frames.clear();
            shrink((int) Math.min(bytes, Integer.MAX_VALUE));
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void drain(byte[] first, int from) {
        try {
            write(first, from);
            owner.written(first);
            for (byte[] frame = take(first.length); frame != null; frame = take(frame.length)) {
                write(frame, 0);
                owner.written(frame);
            }
        } catch (IOException e) {
            close();
            owner.writeFailed(e);
        }
    }

    /** Accounts for what was written and takes the next frame; without one, the thread ends. */
    private byte @Nullable [] take(int written) {
        boolean readyAgain;
        byte[] next;
        lock.lock();
        try {
            shrink((int) Math.min(written, bytes)); // What was left when it was closed has been counted out then.
            readyAgain = foundBusy && hasRoom();
            foundBusy &= !readyAgain;
            next = frames.poll();
            writing = next != null;
            if (!writing || hasRoom()) {
                changed.signalAll();
            }
        } finally {
            lock.unlock();
        }
        if (readyAgain) {
            owner.readyAgain();
        }
        return next;
    }

    private void write(byte[] frame, int from) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(frame).position(from);
        while (buffer.position() < frame.length) {
            buffer.limit(Math.min(frame.length, buffer.position() + CHUNK));
            channel.write(buffer);
        }
    }
}
