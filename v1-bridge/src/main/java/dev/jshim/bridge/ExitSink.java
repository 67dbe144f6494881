package dev.jshim.bridge;

import com.google.protobuf.Message;
import dev.jshim.proto.v2.events.TaskDelete;
import dev.jshim.proto.v2.events.TaskExit;
import dev.jshim.proto.v2.events.TaskOOM;
import dev.jshim.shim.FaultPoint;
import dev.jshim.shim.event.EventSink;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Publishes the exit of a v1 process only where the v1 shim's own word did not come through. Such a shim runs
 * {@code containerd publish} once for each exit, with a binary and an address that were fixed when it was started: when
 * that works containerd has the event already, when not nobody ever hears of it.
 *
 * <p>So an exit is held back for a while, and dropped when containerd itself is seen to send it. While nobody listens
 * to containerd nothing can be seen, and nothing is published: it is kept until somebody listens again. A deletion
 * never overtakes the exit it belongs to. One for each namespace; thread-safe.
 */
final class ExitSink implements EventSink {
    /** What is kept while containerd is away; past that the oldest goes out unseen, so that none is lost here. */
    private static final int MAX_HELD = 4096;

    /** A v1 shim gives its program 30 s to tell of an exit. */
    private static final int MOST_DELAYS = 10;

    /** With the status: what containerd makes up of a container that it has lost is not the exit. */
    private record Key(String container, String id, int pid, int status) {
        /** The name of its note. */
        String note(String namespace) {
            return String.join(" ", namespace, container, id, Integer.toString(pid), Integer.toString(status));
        }
    }

    private static final class Held {
        final TaskExit exit;
        final List<Message> after = new ArrayList<>();

        Held(TaskExit exit) {
            this.exit = exit;
        }

        List<Message> all() {
            List<Message> all = new ArrayList<>(List.of(exit));
            all.addAll(after);
            return all;
        }
    }

    private final EventSink next;
    private final ExitWitness witness;
    private final ScheduledExecutorService timer;
    private final Duration patience;
    private final HeldNotes notes;
    private final String namespace;
    private final Map<Key, Held> held = new LinkedHashMap<>();
    private final Map<Key, Long> seen = new HashMap<>();
    private boolean listening;
    private UnheardTime unheard = UnheardTime.NONE;
    private boolean daemonTellsOoms;

    /**
     * A sink before another one. It begins as if nobody listened: see {@link #listening}.
     *
     * @param patience how long an exit is held back
     */
    ExitSink(EventSink next, ExitWitness witness, ScheduledExecutorService timer, Duration patience) {
        this(next, witness, timer, patience, HeldNotes.NONE, "");
    }

    /**
     * The same, of that namespace.
     *
     * @param notes what is held back is noted there
     */
    ExitSink(
            EventSink next,
            ExitWitness witness,
            ScheduledExecutorService timer,
            Duration patience,
            HeldNotes notes,
            String namespace) {
        this.next = next;
        this.witness = witness;
        this.timer = timer;
        this.patience = patience;
        this.notes = notes;
        this.namespace = namespace;
    }

    @Override
    public synchronized void publish(Message event) {
        switch (event) {
            case TaskExit exit -> hold(exit);
            case TaskDelete delete -> {
                var before = last(delete.getContainerId());
                if (before == null) {
                    var note = namespace + " " + delete.getContainerId();
                    notes.write(note, namespace, List.of(delete));
                    next.publish(delete);
                    next.afterwards(() -> notes.forget(note));
                } else {
                    before.after.add(delete);
                    notes.write(key(before.exit).note(namespace), namespace, before.all());
                }
            }
            case TaskOOM oom -> {
                if (!daemonTellsOoms) {
                    next.publish(oom);
                }
            }
            default -> next.publish(event);
        }
    }

    @Override
    public void afterwards(Runnable action) {
        next.afterwards(action);
    }

    private void hold(TaskExit exit) {
        var key = key(exit);
        if (seen.containsKey(key) || witness.isTold(exit)) {
            notes.forget(key.note(namespace));
            return;
        }
        var fresh = new Held(exit);
        if (held.putIfAbsent(key, fresh) != null) {
            // Of a bridge before, which has noted it with what waits for it.
            return;
        }
        notes.write(key.note(namespace), namespace, fresh.all());
        FaultPoint.at("call-exit-held");
        if (listening) {
            schedule(key);
        } else if (held.size() > MAX_HELD) {
            release(held.keySet().iterator().next());
        }
    }

    private @Nullable Held last(String container) {
        Held last = null;
        for (var entry : held.entrySet()) {
            if (entry.getKey().container().equals(container)) {
                last = entry.getValue();
            }
        }
        return last;
    }

    /** That containerd was seen to send an exit, whoever published it. */
    synchronized void saw(TaskExit exit) {
        if (witness.isRefuted(exit)) {
            return;
        }
        witness.told(exit);
        var key = key(exit);
        seen.put(key, System.nanoTime());
        drop(key);
        // Long enough for our own Wait to answer after containerd has told of the exit.
        var old = System.nanoTime() - 20 * patience.toNanos();
        seen.values().removeIf(at -> at - old < 0);
    }

    /** What was held back is told already, and not here; what waited for it goes out. */
    private void drop(Key key) {
        var waiting = held.remove(key);
        if (waiting != null) {
            waiting.after.forEach(next::publish);
            next.afterwards(() -> notes.forget(key.note(namespace)));
        }
    }

    /**
     * Whether containerd's events are heard. When that begins, what was kept gets its time to be seen.
     *
     * @param since whether this containerd has run ever since the bridge before this one heard it: what is kept then
     *     happened under its eyes, and the v1 shims have told it
     */
    synchronized void listening(boolean now, boolean since) {
        var began = now && !listening;
        listening = now;
        if (began && since) {
            for (var waiting : List.copyOf(held.values())) {
                if (witness.wasWithinReach(waiting.exit)) {
                    witness.told(waiting.exit);
                    drop(key(waiting.exit));
                }
            }
        }
        if (began) {
            List.copyOf(held.keySet()).forEach(this::schedule);
        }
    }

    /** In which time containerd ran and was not heard yet, of the one that is heard from now on. */
    synchronized void missed(UnheardTime time) {
        unheard = time;
    }

    /** Whether who listens is a daemon of 1.x: it watches v1 containers for want of memory itself, and tells of it. */
    synchronized void daemonTellsOoms(boolean now) {
        daemonTellsOoms = now;
    }

    private void schedule(Key key) {
        schedule(key, MOST_DELAYS);
    }

    private void schedule(Key key, int delays) {
        Runnable look = () -> Thread.ofVirtual().name("exit-unseen").start(() -> expired(key, delays));
        var _ = timer.schedule(look, patience.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void expired(Key key, int delays) {
        TaskExit exit;
        boolean wasUnheard;
        synchronized (this) {
            var waiting = held.get(key);
            if (waiting == null || !listening) {
                return;
            }
            exit = waiting.exit;
            wasUnheard = unheard.contains(exit.getExitedAt());
        }
        // Not under the lock: it looks at processes.
        var isBeingTold = delays > 0 && witness.isBeingTold(exit);
        var wasTold = !isBeingTold && wasUnheard && witness.wasWithinReach(exit);
        synchronized (this) {
            if (isBeingTold) {
                schedule(key, delays - 1);
            } else if (wasTold) {
                witness.told(exit);
                drop(key);
            } else if (listening) {
                release(key);
            }
        }
    }

    private void release(Key key) {
        var waiting = held.remove(key);
        if (waiting != null) {
            waiting.all().forEach(next::publish);
            FaultPoint.at("call-exit-published");
            next.afterwards(() -> notes.forget(key.note(namespace)));
        }
    }

    private static Key key(TaskExit exit) {
        return new Key(exit.getContainerId(), exit.getId(), exit.getPid(), exit.getExitStatus());
    }
}
