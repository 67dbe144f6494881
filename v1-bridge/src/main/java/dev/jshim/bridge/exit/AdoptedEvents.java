package dev.jshim.bridge.exit;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
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
import java.util.List;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The events of one adopted container on their way to containerd. The v1 shim reports an exit itself: it runs
 * {@code containerd publish} once. So the bridge publishes an exit only if that cannot have worked. One rule decides:
 * the shim has reported the exit if its program and address lead to a containerd ({@link ShimPublish}) that ran when
 * the process was last seen alive, and that still runs when the shim has had its time. In doubt the exit is published:
 * it is reported at least once.
 *
 * <p>A deletion never overtakes the exit that it belongs to. Thread-safe.
 */
public final class AdoptedEvents implements EventSink {
    /** How long a v1 shim may take to report an exit. */
    public static final Duration SHIM_REPORTS = Duration.ofSeconds(Long.getLong("jshim.exit.patience", 3));
    /** A v1 shim gives its program 30 s. */
    private static final int MOST_DELAYS = 10;

    /** It starts one program after the other, with a moment in between: if none is seen so many times, it is done. */
    private static final int QUIET_LOOKS = 5;

    private static final Duration QUIET_PAUSE = Duration.ofMillis(100);

    private static final Duration AT_LAST = Duration.ofMinutes(1);

    /** An exit that the shim may be reporting and what comes after it, until all of it is delivered. */
    private static final class Held {
        /** Null of a deletion that waits for no exit. */
        final @Nullable TaskExit exit;
        /** The containerd to which the shim reports it, see {@link Containerd#seen}; empty if it cannot. */
        final String daemon;

        final List<Message> after = new ArrayList<>();
        /** Whether it is known who reports it: what comes after it is published by then. */
        boolean isDecided;

        boolean isReported;
        int delays;

        Held(@Nullable TaskExit exit, String daemon) {
            this.exit = exit;
            this.daemon = daemon;
        }

        boolean isOf(TaskExit other) {
            return exit != null && isOf(other.getId(), other.getPid()) && exit.getExitStatus() == other.getExitStatus();
        }

        boolean isOf(String id, int pid) {
            return exit != null && exit.getId().equals(id) && exit.getPid() == pid;
        }

        HeldEvents note() {
            var note = HeldEvents.newBuilder().setDaemon(daemon);
            if (exit != null && !isReported) {
                note.addEvents(Any.pack(exit));
            }
            after.forEach(event -> note.addEvents(Any.pack(event)));
            return note.build();
        }
    }

    private final AdoptedRecord record;
    private final AdoptedNotes notes;
    private final EventSink next;
    private final Containerd containerd;
    private final ScheduledExecutorService timer;
    private final Duration patience;
    private final BooleanSupplier isLoaded;
    private final Runnable published;
    /** In the order of the exits. */
    private final List<Held> held = new ArrayList<>();

    /**
     * The events of a container.
     *
     * @param next publishes
     * @param patience how long a v1 shim may take to report an exit
     * @param isLoaded whether a containerd has this task from the bridge; a 1.x that does not have it has it from the
     *     v1 shim, and itself reports what no v1 shim reports
     * @param published run whenever an exit was published here; may block
     */
    public AdoptedEvents(
            AdoptedNotes notes,
            EventSink next,
            Containerd containerd,
            ScheduledExecutorService timer,
            Duration patience,
            BooleanSupplier isLoaded,
            Runnable published) {
        record = notes.record();
        this.notes = notes;
        this.next = next;
        this.containerd = containerd;
        this.timer = timer;
        this.patience = patience;
        this.isLoaded = isLoaded;
        this.published = published;
    }

    @Override
    public void publish(Message event) {
        switch (event) {
            case TaskExit exit -> hold(exit);
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

    private void hold(TaskExit exit) {
        var fresh = new Held(exit, ShimPublish.reaches(record, containerd.socket()) ? notes.daemon() : "");
        synchronized (this) {
            // The bridge before may have got that far.
            if (notes.isReported(exit) || held.stream().anyMatch(one -> one.isOf(exit))) {
                return;
            }
            held.add(fresh);
            note(null);
        }
        FaultPoint.at("call-exit-held");
        inThread(() -> decide(fresh));
    }

    /** Continues with what the bridge before has held back. To be called once, before anything is published. */
    public void continueHeld() {
        List<Held> all;
        synchronized (this) {
            for (var note : notes.held()) {
                for (var event : events(note)) {
                    if (event instanceof TaskExit exit) {
                        if (!notes.isReported(exit)) {
                            held.add(new Held(exit, note.getDaemon()));
                        }
                    } else {
                        holding().after.add(event);
                    }
                }
            }
            all = List.copyOf(held);
        }
        for (var one : all) {
            if (one.exit == null) {
                settle(one, false);
            } else {
                inThread(() -> decide(one));
            }
        }
    }

    private List<Message> events(HeldEvents note) {
        List<Message> events = new ArrayList<>();
        try {
            for (var any : note.getEventsList()) {
                events.add(any.is(TaskExit.class) ? any.unpack(TaskExit.class) : any.unpack(TaskDelete.class));
            }
        } catch (InvalidProtocolBufferException e) {
            ShimLog.error("an event of the bridge before is damaged", record.named("error", e));
        }
        return events;
    }

    /** Whether an exit is held back. */
    public synchronized boolean holds(String id, int pid) {
        return held.stream().anyMatch(one -> !one.isDecided && one.isOf(id, pid));
    }

    /** @param reported the exit that was reported now; null if none was */
    @GuardedBy("this")
    private void note(@Nullable TaskExit reported) {
        var all = held.stream().map(Held::note).filter(one -> one.getEventsCount() > 0);
        notes.held(all.toList(), reported);
    }

    /** The last that is not decided, behind which a deletion waits; a new one for a deletion if there is none. */
    @GuardedBy("this")
    private Held holding() {
        for (var one : held.reversed()) {
            if (!one.isDecided) {
                return one;
            }
        }
        var none = new Held(null, "");
        held.add(none);
        return none;
    }

    private void delete(TaskDelete delete) {
        Held before;
        synchronized (this) {
            before = holding();
            before.after.add(delete);
            note(null);
        }
        if (before.exit == null) {
            settle(before, false);
        }
    }

    private void inThread(Runnable look) {
        Thread.ofVirtual().name("exit-" + record.id()).start(look);
    }

    private void decideLater(Held one) {
        var _ = timer.schedule(() -> inThread(() -> expired(one)), patience.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void decide(Held one) {
        var daemon = containerd.seen();
        if (!daemon.isEmpty() && (daemon.equals(one.daemon) || mayBeTheOldDaemons())) {
            decideLater(one);
        } else {
            settle(one, false);
        }
    }

    /** A 1.x itself reports the exit of a container whose shim has died, or that it deletes, and removes its files. */
    private boolean mayBeTheOldDaemons() {
        return !record.shim().isAlive() && !isLoaded.getAsBoolean();
    }

    private void expired(Held one) {
        if (!record.shim().isAlive()) {
            settle(one, mayBeTheOldDaemons() && !Files.exists(record.v1Bundle()));
        } else if (one.daemon.isEmpty() || (!one.daemon.equals(containerd.seen()) && !isDeleted(one))) {
            settle(one, false);
        } else if (one.delays < MOST_DELAYS && isUnderWay()) {
            one.delays++;
            decideLater(one);
        } else {
            settle(one, true);
        }
    }

    /**
     * Whether the container was deleted since. Then its client knows of the exit, and may have started another
     * container with the id: Docker would take an exit that comes now for that one's.
     */
    private synchronized boolean isDeleted(Held one) {
        return !one.after.isEmpty();
    }

    private boolean isUnderWay() {
        try {
            for (var look = 0; look < QUIET_LOOKS; look++) {
                if (ShimPublish.isUnderWay(record)) {
                    return true;
                }
                Deadline.pause(QUIET_PAUSE);
            }
        } catch (InterruptedIOException e) {
            // The bridge ends; the next one continues with the note.
        }
        return false;
    }

    /** @param isReported whether it is reported already, and not here */
    private void settle(Held one, boolean isReported) {
        synchronized (this) {
            if (one.isDecided) {
                return;
            }
            one.isDecided = true;
            if (isReported) {
                one.isReported = true;
                note(one.exit);
            } else if (one.exit != null) {
                next.publish(one.exit);
            }
            one.after.forEach(next::publish);
            FaultPoint.at("call-exit-published");
            notifyAll();
        }
        next.afterwards(() -> {
            delivered(one);
            if (one.exit != null && !isReported) {
                inThread(published);
            }
        });
    }

    private synchronized void delivered(Held one) {
        held.remove(one);
        note(one.exit);
    }

    /** Waits until nothing is held back: until then the v1 shim must not be ended. At most a minute. */
    public synchronized void awaitNothingHeld() {
        var deadline = Deadline.in(AT_LAST);
        try {
            while (!held.stream().allMatch(one -> one.isDecided)) {
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
