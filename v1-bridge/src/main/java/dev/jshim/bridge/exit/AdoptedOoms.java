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
 * metrics/cgroups/v1/oom.go). How many have been told stands in the adopted bundle: a bridge that starts tells of those
 * that happened while there was none or that it could not deliver, and never of those that were told. Thread-safe. A
 * container that cannot be watched is none the worse for it.
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
     * @param events what goes on there counts as told when it is delivered
     */
    public AdoptedOoms(OomWatch watch, RememberedCgroup cgroup, AdoptedNotes notes, EventSink events) {
        this.watch = watch;
        this.cgroup = cgroup;
        this.notes = notes;
        this.events = events;
    }

    /** Begins to tell. Does nothing the second time. */
    public synchronized void begin(Runnable fresh) {
        if (!begun) {
            begun = true;
            open(fresh);
        }
    }

    private void open(Runnable tell) {
        try {
            var open = watch.open(cgroup.lastKnown(), () -> {
                tell.run();
                told();
            });
            listener = open;
            open.since(notes.ooms());
            open.begin();
        } catch (IOException | ShimException e) {
            ShimLog.warn("cannot watch for out-of-memory kills", notes.record().named("error", e.getMessage()));
        }
    }

    /** Tells at once of what has been killed by now: an exit that such a kill has caused comes after it. */
    public void check() {
        var open = listener;
        if (open != null) {
            open.check();
        }
    }

    private void told() {
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
