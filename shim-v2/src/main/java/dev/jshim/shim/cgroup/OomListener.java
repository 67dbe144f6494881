package dev.jshim.shim.cgroup;

import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.EventFd;
import dev.jshim.task.ShimLog;
import java.io.IOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The watch of one container, see {@link OomWatch}. Thread-safe; it reports under its lock, in order. */
public final class OomListener implements AutoCloseable {
    /** How long after a signal the kernel may take to choose and count its victim. */
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private final OomWatch owner;
    private final OomCounter counter;
    private final Runnable told;
    private long seen;
    private long signals;
    private long patientUntil;
    private boolean begun;
    private boolean closed;

    /** Set once, before anybody else knows of this. */
    @Nullable
    EventFd signal;

    long key;
    int watch = -1;

    OomListener(OomWatch owner, OomCounter counter, Runnable told) throws IOException {
        this.owner = owner;
        this.counter = counter;
        this.told = told;
        var first = counter.read();
        if (first == null) {
            throw new IOException(counter.file() + " does not exist");
        }
        seen = first.kills();
    }

    OomCounter counter() {
        return counter;
    }

    /**
     * Counts from an earlier number on, so that {@link #begin} reports the kills that were not. A number that is not of
     * this cgroup's past is passed over.
     *
     * @param before what {@link #kills} was then
     */
    public synchronized void since(long before) {
        if (before >= 0 && before <= seen) {
            seen = before;
        }
    }

    /** How many kills have been reported by now, with those before this was made; -1 if they are not counted. */
    public synchronized long kills() {
        return seen;
    }

    /** Reports what happened since this was made, and from now on all else as it happens. */
    public synchronized void begin() {
        begun = true;
        check();
    }

    /** Reports at once what the kernel has counted by now. To be called before the end of a process is announced. */
    public synchronized void check() {
        if (begun && !closed) {
            var _ = read();
        }
    }

    /** For the loop: takes the signals. Answers whether there was one without a kill so far: then again, and soon. */
    synchronized boolean signalled() {
        if (closed) {
            return false;
        }
        takeSignals();
        return begun ? read() : signals > 0;
    }

    private void takeSignals() {
        var descriptor = signal;
        if (descriptor == null) {
            return;
        }
        try {
            var taken = descriptor.drain();
            if (taken > 0) {
                signals += taken;
                patientUntil = System.nanoTime() + PATIENCE.toNanos();
            }
        } catch (ErrnoException e) {
            throw new IllegalStateException("an eventfd cannot be read", e);
        }
    }

    private boolean read() {
        try {
            var now = counter.read();
            return now != null && tell(now); // A cgroup that was removed is signalled too.
        } catch (IOException e) {
            ShimLog.warn("cannot read a cgroup's out-of-memory kills", "file", counter.file(), "error", e.getMessage());
            return false;
        }
    }

    private boolean tell(OomCounter.Reading now) {
        if (!now.counts()) {
            takeSignals();
        }
        var isOom = (now.counts() && !now.killsDisabled()) ? now.kills() > seen : signals > 0;
        if (isOom) {
            seen = now.kills();
            signals = 0;
            told.run();
        } else if (signals > 0 && System.nanoTime() > patientUntil) {
            signals = 0;
        }
        return signals > 0;
    }

    /** Reports what is left to report, and nothing after that; frees the descriptors. */
    @Override
    public synchronized void close() {
        check();
        if (closed) {
            return;
        }
        closed = true;
        try {
            owner.remove(this);
        } catch (ErrnoException e) {
            ShimLog.warn("cannot stop watching a cgroup", "file", counter.file(), "error", e.getMessage());
        }
        if (signal != null) {
            signal.close();
        }
    }
}
