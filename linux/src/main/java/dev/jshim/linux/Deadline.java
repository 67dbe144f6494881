package dev.jshim.linux;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** A moment after which nobody waits any more, by the clock that only goes forward. Immutable; any thread. */
public final class Deadline {
    /** Something that is looked at again and again. */
    @FunctionalInterface
    public interface Condition {
        boolean holds() throws IOException;
    }

    private final long end;

    private Deadline(long end) {
        this.end = end;
    }

    /** The moment so long after this one. */
    public static Deadline in(Duration time) {
        return new Deadline(System.nanoTime() + time.toNanos());
    }

    public boolean isOver() {
        return System.nanoTime() - end >= 0;
    }

    /** The time until then: one nanosecond at least, since to some calls nothing means no end. */
    public Duration left() {
        return Duration.ofNanos(Math.max(1, end - System.nanoTime()));
    }

    /**
     * Waits for a notification of an object whose monitor the caller holds; in a loop, as for {@link Object#wait}.
     *
     * @return false if it is over, and then at once
     */
    @SuppressWarnings("WaitNotInLoop") // The loop is the caller's.
    public boolean await(Object monitor) throws InterruptedException {
        var millis = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
        if (millis <= 0) {
            return false;
        }
        monitor.wait(millis);
        return true;
    }

    /**
     * Waits until something holds: looks at once, and again after each pause.
     *
     * @return false if it is over and it still does not hold
     * @throws InterruptedIOException if the thread is interrupted, which it stays
     */
    public boolean await(Duration pause, Condition condition) throws IOException {
        while (!condition.holds()) {
            if (isOver()) {
                return false;
            }
            pause(pause);
        }
        return true;
    }

    /**
     * Lets time pass.
     *
     * @throws InterruptedIOException if the thread is interrupted, which it stays
     */
    public static void pause(Duration time) throws InterruptedIOException {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            var interrupted = new InterruptedIOException("interrupted");
            interrupted.initCause(e);
            throw interrupted;
        }
    }
}
