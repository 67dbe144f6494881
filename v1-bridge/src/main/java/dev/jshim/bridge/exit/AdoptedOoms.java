package dev.jshim.bridge.exit;

import dev.jshim.bridge.record.AdoptedNotes;
import dev.jshim.bridge.record.RememberedCgroup;
import dev.jshim.shim.cgroup.OomListener;
import dev.jshim.shim.cgroup.OomWatch;
import dev.jshim.task.EventSink;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimLog;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * The out-of-memory kills of one adopted container, which the v1 daemon used to watch for (containerd v1.6.20,
 * metrics/cgroups/v1/oom.go). How many were reported is noted: a bridge that starts reports those that happened while
 * none ran, and those that could not be delivered, and no other. If a container cannot be watched, it runs on all the
 * same. Thread-safe.
 */
public final class AdoptedOoms implements AutoCloseable {
    private final OomWatch watch;
    private final RememberedCgroup cgroup;
    private final AdoptedNotes notes;
    private final EventSink events;
    private boolean begun;
    private volatile @Nullable OomListener listener;

    /**
     * Watches nothing yet.
     *
     * @param events what is published there counts as reported when it is delivered
     */
    public AdoptedOoms(OomWatch watch, RememberedCgroup cgroup, AdoptedNotes notes, EventSink events) {
        this.watch = watch;
        this.cgroup = cgroup;
        this.notes = notes;
        this.events = events;
    }

    /** Begins to report. Does nothing the second time. */
    public synchronized void begin(Runnable fresh) {
        if (!begun) {
            begun = true;
            open(fresh);
        }
    }

    private void open(Runnable report) {
        try {
            var open = watch.open(cgroup.lastKnown(), () -> {
                report.run();
                reported();
            });
            listener = open;
            open.since(notes.ooms());
            open.begin();
        } catch (IOException | ShimException e) {
            ShimLog.warn("cannot watch for out-of-memory kills", notes.record().named("error", e.getMessage()));
        }
    }

    /** Reports at once what has been killed by now: an exit that such a kill has caused comes after it. */
    public void check() {
        var open = listener;
        if (open != null) {
            open.check();
        }
    }

    private void reported() {
        var open = listener;
        if (open != null) {
            var kills = open.kills();
            events.afterwards(() -> {
                if (open.equals(listener)) {
                    notes.ooms(kills);
                }
            });
        }
    }

    @Override
    public void close() {
        var open = listener;
        if (open != null) {
            open.close();
        }
    }
}
