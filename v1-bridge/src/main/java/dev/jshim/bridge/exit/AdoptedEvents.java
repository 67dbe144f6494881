package dev.jshim.bridge.exit;

import com.google.protobuf.Message;
import dev.jshim.bridge.record.AdoptedNotes;
import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.linux.Deadline;
import dev.jshim.proto.v2.bridge.HeldEvents;
import dev.jshim.proto.v2.events.TaskDelete;
import dev.jshim.proto.v2.events.TaskExit;
import dev.jshim.proto.v2.events.TaskOOM;
import dev.jshim.shim.keeper.FaultPoint;
import dev.jshim.task.EventSink;
import dev.jshim.task.ShimLog;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The events of one adopted container on their way to containerd. Of an exit the v1 shim tells by itself: it runs
 * {@code containerd publish} once. So an exit is published here only if that cannot have worked, by one rule: the shim
 * has told it if its program and address lead to a containerd ({@link ShimWord}) that ran when the process was last
 * seen alive, and that runs still when the shim has had its time. Any doubt is an event: never less than one.
 *
 * <p>A deletion never overtakes the exit it belongs to. Thread-safe.
 */
public final class AdoptedEvents implements EventSink {
    /** How long a v1 shim may take to tell of an exit by itself. */
    public static final Duration SHIM_TELLS = Duration.ofSeconds(Long.getLong("jshim.exit.patience", 3));
    /** It gives its program 30 s. */
    private static final int MOST_DELAYS = 10;

    /** It starts one program after the other, a moment apart: so often, and so long apart, none is seen at the end. */
    private static final int QUIET_LOOKS = 5;

    private static final Duration QUIET_PAUSE = Duration.ofMillis(100);

    private static final Duration AT_LAST = Duration.ofMinutes(1);

    /** An exit that the shim may be telling, and what comes after it. */
    private static final class Held {
        final TaskExit exit;
        final String key;
        /** The containerd to which the shim tells it, see {@link Containerd#seen}; empty if it cannot. */
        final String teller;

        final List<Message> after = new ArrayList<>();
        int delays;

        Held(TaskExit exit, String key, String teller) {
            this.exit = exit;
            this.key = key;
            this.teller = teller;
        }
    }

    private final AdoptedRecord record;
    private final AdoptedNotes notes;
    private final EventSink next;
    private final Containerd containerd;
    private final HeldNotes heldNotes;
    private final ScheduledExecutorService timer;
    private final Duration patience;
    private final BooleanSupplier isLoaded;
    private final Runnable published;
    /** By the names of their notes, in the order of the exits. */
    private final Map<String, Held> held = new LinkedHashMap<>();

    /**
     * The events of a container.
     *
     * @param next publishes
     * @param heldNotes what is held back is noted there
     * @param patience how long a v1 shim may take to tell of an exit
     * @param isLoaded whether a containerd has this task from the bridge; one of 1.x that has not has it from the v1
     *     shim, and tells itself of what no v1 shim tells
     * @param published run whenever an exit was published here; may block
     */
    public AdoptedEvents(
            AdoptedRecord record,
            AdoptedNotes notes,
            EventSink next,
            Containerd containerd,
            HeldNotes heldNotes,
            ScheduledExecutorService timer,
            Duration patience,
            BooleanSupplier isLoaded,
            Runnable published) {
        this.record = record;
        this.notes = notes;
        this.next = next;
        this.containerd = containerd;
        this.heldNotes = heldNotes;
        this.timer = timer;
        this.patience = patience;
        this.isLoaded = isLoaded;
        this.published = published;
    }

    @Override
    public void publish(Message event) {
        switch (event) {
            case TaskExit exit -> {
                var told = hold(exit, ShimWord.reaches(record, containerd.socket()) ? notes.daemon() : "");
                if (told != null) {
                    heldNotes.forget(told);
                }
            }
            case TaskDelete delete -> delete(delete);
            case TaskOOM oom -> {
                if (isLoaded.getAsBoolean() || containerd.seen().isEmpty()) {
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

    /** Goes on with what the bridge before has held back. */
    public void again(HeldEvents before) {
        List<String> told = new ArrayList<>();
        for (var event : HeldNotes.events(before)) {
            if (event instanceof TaskExit exit) {
                var key = hold(exit, before.getDaemon());
                if (key != null) {
                    told.add(key);
                }
            } else if (event instanceof TaskDelete delete) {
                delete(delete);
            }
        }
        told.forEach(heldNotes::forget);
    }

    /** Publishes what the bridge before has held back of a container that there is not any more. */
    public static void publish(HeldEvents before, EventSink sink, HeldNotes heldNotes) {
        var all = HeldNotes.events(before);
        all.forEach(sink::publish);
        // One note holds all of them.
        sink.afterwards(() -> all.forEach(event -> heldNotes.forget(key(before.getNamespace(), event))));
    }

    /** What tells an event from all others. */
    private static String key(String namespace, Message event) {
        return event instanceof TaskExit exit
                ? "%s %s %s %d %d"
                        .formatted(namespace, exit.getContainerId(), exit.getId(), exit.getPid(), exit.getExitStatus())
                : namespace + " " + HeldNotes.container(event);
    }

    /** Returns the name of the note of an exit that is told already, which nobody needs any more; else null. */
    private @Nullable String hold(TaskExit exit, String teller) {
        var key = key(record.namespace(), exit);
        var fresh = new Held(exit, key, teller);
        synchronized (this) {
            if (notes.isTold(exit)) {
                return key; // What waited for it is to be noted before this note goes.
            }
            if (held.putIfAbsent(key, fresh) != null) {
                return null; // Of a bridge before, which has noted it with what waits for it.
            }
            note(fresh);
        }
        FaultPoint.at("call-exit-held");
        inThread(() -> decide(fresh));
        return null;
    }

    /** Whether an exit is held back, with the containerd that its shim tells. */
    public synchronized boolean holds(String id, int pid) {
        return held.values().stream().anyMatch(one -> one.exit.getId().equals(id) && one.exit.getPid() == pid);
    }

    private void note(Held one) {
        List<Message> all = new ArrayList<>(List.of(one.exit));
        all.addAll(one.after);
        heldNotes.write(one.key, record.namespace(), one.teller, all);
    }

    private synchronized void delete(TaskDelete delete) {
        Held last = null;
        for (var one : held.values()) {
            last = one;
        }
        if (last != null) {
            last.after.add(delete);
            note(last);
            return;
        }
        var key = key(record.namespace(), delete);
        heldNotes.write(key, record.namespace(), "", List.of(delete));
        next.publish(delete);
        next.afterwards(() -> heldNotes.forget(key));
    }

    private void inThread(Runnable look) {
        Thread.ofVirtual().name("exit-" + record.id()).start(look);
    }

    private void decideLater(Held one) {
        var _ = timer.schedule(() -> inThread(() -> expired(one)), patience.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void decide(Held one) {
        var daemon = containerd.seen();
        if (!daemon.isEmpty() && (daemon.equals(one.teller) || mayBeTheOldDaemons())) {
            decideLater(one);
        } else {
            settle(one, false);
        }
    }

    /** A daemon of 1.x tells of a container whose shim has died, or that it deletes, and clears it away. */
    private boolean mayBeTheOldDaemons() {
        return !record.shim().isAlive() && !isLoaded.getAsBoolean();
    }

    private void expired(Held one) {
        if (!record.shim().isAlive()) {
            settle(one, mayBeTheOldDaemons() && !Files.exists(record.v1Bundle()));
        } else if (one.teller.isEmpty() || (!one.teller.equals(containerd.seen()) && !isDeleted(one))) {
            settle(one, false);
        } else if (one.delays < MOST_DELAYS && isOnItsWay()) {
            one.delays++;
            decideLater(one);
        } else {
            settle(one, true);
        }
    }

    /**
     * Whether the container was deleted since. Then its client knows of the exit, and may have started another
     * container of the id: Docker takes an exit that comes now for that one's.
     */
    private synchronized boolean isDeleted(Held one) {
        return !one.after.isEmpty();
    }

    private boolean isOnItsWay() {
        try {
            for (var look = 0; look < QUIET_LOOKS; look++) {
                if (ShimWord.isOnItsWay(record)) {
                    return true;
                }
                Deadline.pause(QUIET_PAUSE);
            }
        } catch (InterruptedIOException e) {
            // The bridge ends; the next one goes on with the note.
        }
        return false;
    }

    /** @param isTold whether it is told already, and not here */
    private void settle(Held one, boolean isTold) {
        synchronized (this) {
            if (held.remove(one.key) == null) {
                return;
            }
            if (isTold) {
                notes.told(one.exit);
            } else {
                next.publish(one.exit);
            }
            one.after.forEach(next::publish);
            FaultPoint.at("call-exit-published");
            notifyAll();
        }
        next.afterwards(() -> {
            notes.told(one.exit);
            heldNotes.forget(one.key);
            if (!isTold) {
                inThread(published);
            }
        });
    }

    /** Waits until nothing is held back: until then the v1 shim must not be ended. At most a minute. */
    public synchronized void awaitNothingHeld() {
        var deadline = Deadline.in(AT_LAST);
        try {
            while (!held.isEmpty()) {
                if (!deadline.await(this)) {
                    ShimLog.warn("an exit may not be reported", record.named());
                    return;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
