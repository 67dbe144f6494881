package dev.jshim.shim.oci;

import dev.jshim.shim.cgroup.Cgroup;
import dev.jshim.shim.cgroup.OomListener;
import dev.jshim.shim.cgroup.OomWatch;
import dev.jshim.task.ShimLog;
import java.io.IOException;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Out-of-memory kills of one container and whom to tell of them. Thread-safe. A container that cannot be watched is
 * none the worse for it.
 */
final class OomNotice {
    private final OomWatch watch;
    private final String id;
    private volatile Runnable told = () -> {};
    private volatile LongConsumer noted = _ -> {};
    private volatile @Nullable OomListener listener;

    OomNotice(OomWatch watch, String id) {
        this.watch = watch;
        this.id = id;
    }

    void tell(Runnable whom) {
        told = whom;
    }

    /** Counts from now on; nothing is reported before {@link #begin}. Does nothing the second time. */
    synchronized void open(@Nullable Cgroup cgroup) {
        if (listener != null || cgroup == null) {
            return;
        }
        try {
            listener = watch.open(cgroup, this::tell);
        } catch (IOException e) {
            ShimLog.warn("cannot watch for out-of-memory kills", "id", id, "error", e.getMessage());
        }
    }

    private void tell() {
        told.run();
        noted.accept(kills());
    }

    /** Sets what gets the number of kills that have been reported by now; it must not block. */
    void note(LongConsumer whom) {
        noted = whom;
    }

    /** How many kills have been reported by now, with those before it was opened; 0 if that is not known. */
    long kills() {
        var open = listener;
        return open == null ? 0 : Math.max(0, open.kills());
    }

    /** Counts from what {@link #kills} was in a process before this one. */
    void since(long kills) {
        var open = listener;
        if (open != null) {
            open.since(kills);
        }
    }

    void begin() {
        var open = listener;
        if (open != null) {
            open.begin();
        }
    }

    /** Reports what has been killed by now. */
    void check() {
        var open = listener;
        if (open != null) {
            open.check();
        }
    }

    void close() {
        var open = listener;
        if (open != null) {
            open.close();
        }
    }
}
