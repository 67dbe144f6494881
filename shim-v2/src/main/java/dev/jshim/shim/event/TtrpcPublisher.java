package dev.jshim.shim.event;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import dev.jshim.linux.Deadline;
import dev.jshim.linux.VirtualThreads;
import dev.jshim.proto.v2.events.TaskCreate;
import dev.jshim.proto.v2.events.TaskDelete;
import dev.jshim.proto.v2.events.TaskExecStarted;
import dev.jshim.proto.v2.events.TaskExit;
import dev.jshim.proto.v2.events.TaskStart;
import dev.jshim.proto.v2.types.Envelope;
import dev.jshim.shim.keeper.FaultPoint;
import dev.jshim.shim.keeper.FdStore;
import dev.jshim.shim.keeper.Held;
import dev.jshim.task.EventSink;
import dev.jshim.task.ShimLog;
import dev.jshim.task.Timestamps;
import dev.jshim.ttrpc.TtrpcServer;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * Delivers events to containerd over ttrpc, one after the other, and tries again while it is down.
 *
 * <p>The queue is bounded: when it is full the oldest event goes that is not an exit, for an exit is what containerd
 * cannot find out later. A thread exists only while there is something to deliver. Thread-safe.
 *
 * <p>With notes, an event outlives this process before {@link #publish} returns, and the next one delivers it. An event
 * that is published again by that one, which cannot know that it was, is not delivered twice.
 */
public final class TtrpcPublisher implements EventSink {
    private static final int CAPACITY = 2048;
    private static final long CAPACITY_BYTES = 16 << 20;
    private static final int REFUSALS = 5;
    private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

    private enum Outcome {
        DELIVERED,
        REFUSED,
        FAILED
    }

    /** Of which two are alike only if one is reported twice. */
    private static final Set<String> UNIQUE = Set.of(
            Topic.type(TaskCreate.class),
            Topic.type(TaskStart.class),
            Topic.type(TaskExecStarted.class),
            Topic.type(TaskExit.class),
            Topic.type(TaskDelete.class));

    /**
     * An event that waits.
     *
     * @param number by which it is noted
     */
    private record Waiting(long number, Envelope envelope) {}

    private final Path address;
    private final String namespace;
    private final int capacity;
    private final EventNotes notes;
    private final FdStore store;
    private final Deque<Waiting> queue = new ArrayDeque<>();
    /** Published by a process before this one. */
    private final Set<ByteString> before = new HashSet<>();

    private long last;
    private long bytes;
    private final List<Runnable> afterwards = new ArrayList<>();
    private boolean delivering;
    /** Of the thread that delivers. */
    private @Nullable Line line;

    /**
     * Delivers to one containerd.
     *
     * @param address the daemon's ttrpc socket, as TTRPC_ADDRESS names it
     */
    public TtrpcPublisher(Path address, String namespace) {
        this(address, namespace, CAPACITY);
    }

    /** @param capacity how many events wait at most */
    TtrpcPublisher(Path address, String namespace, int capacity) {
        this(address, namespace, capacity, new EventNotes(null), FdStore.NONE);
    }

    /**
     * Delivers to one containerd, also what a process before this one has left.
     *
     * @param notes the folder of the notes
     * @param store holds the connection
     * @param held what the store held of the process before; what is not of events is left alone
     */
    public TtrpcPublisher(Path address, String namespace, Path notes, FdStore store, List<Held> held) {
        this(address, namespace, CAPACITY, new EventNotes(notes), store);
        for (var each : held) {
            if (each.name().equals(Line.NAME)) {
                takeOver(each);
            }
        }
        var left = this.notes.read();
        last = Math.max(last(left.waiting()), last(left.delivered()));
        left.delivered().values().forEach(this::remember);
        left.waiting().values().forEach(this::remember);
        left.waiting().forEach((number, envelope) -> add(new Waiting(number, envelope)));
    }

    private TtrpcPublisher(Path address, String namespace, int capacity, EventNotes notes, FdStore store) {
        this.address = address;
        this.namespace = namespace;
        this.capacity = capacity;
        this.notes = notes;
        this.store = store;
    }

    private void remember(Envelope envelope) {
        before.add(envelope.getEvent().toByteString());
    }

    private static long last(SortedMap<Long, Envelope> events) {
        return events.isEmpty() ? 0 : events.lastKey();
    }

    private void takeOver(Held connection) {
        try {
            line = Line.of(connection.fd(), store, notes);
        } catch (IOException e) {
            ShimLog.warn("the connection for events is lost", "error", e);
            store.drop(connection.name());
        }
    }

    @Override
    public void publish(Message event) {
        var envelope = Envelope.newBuilder()
                .setTimestamp(Timestamps.of(Instant.now()))
                .setNamespace(namespace)
                .setTopic(Topic.of(event))
                .setEvent(Any.newBuilder()
                        .setTypeUrl(Topic.type(event.getClass()))
                        .setValue(event.toByteString()))
                .build();
        synchronized (this) {
            if (!wasPublished(envelope.getEvent())) {
                var next = new Waiting(++last, envelope);
                notes.write(next.number(), envelope);
                add(next);
            }
        }
    }

    /** Others than those that are unique may come again; in a call that is repeated they do not. */
    private boolean wasPublished(Any event) {
        return !before.isEmpty()
                && (UNIQUE.contains(event.getTypeUrl()) || TtrpcServer.isRepeated())
                && before.remove(event.toByteString());
    }

    private void add(Waiting next) {
        synchronized (this) {
            queue.addLast(next);
            bytes += next.envelope().getSerializedSize();
            while (queue.size() > capacity || (bytes > CAPACITY_BYTES && queue.size() > 1)) {
                drop();
            }
            if (delivering) {
                return;
            }
            delivering = true;
        }
        VirtualThreads.start(
                "events", this::deliver, e -> ShimLog.error("cannot start a thread for events", "error", e));
    }

    @Override
    public void afterwards(Runnable action) {
        synchronized (this) {
            if (delivering) {
                afterwards.add(action);
                return;
            }
        }
        action.run();
    }

    private void drop() {
        var exit = Topic.type(TaskExit.class);
        for (var waiting : queue) {
            if (!waiting.envelope().getEvent().getTypeUrl().equals(exit)) {
                drop(waiting);
                ShimLog.error("event queue is full: an event was dropped");
                return;
            }
        }
        drop(queue.getFirst());
        ShimLog.error("event queue is full of exits: the oldest was dropped");
    }

    private void drop(Waiting waiting) {
        queue.remove(waiting);
        bytes -= waiting.envelope().getSerializedSize();
        notes.forget(waiting.number());
    }

    /** Waits until all events have been delivered, at most for the given time. Answers whether they have. */
    public boolean drain(Duration patience) {
        var deadline = Deadline.in(patience);
        synchronized (this) {
            while (delivering) {
                try {
                    if (!deadline.await(this)) {
                        return false;
                    }
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return false;
                }
            }
        }
        return true;
    }

    private void deliver() {
        var pause = FIRST_PAUSE;
        var refusals = 0;
        for (var next = next(); next != null; next = next()) {
            var outcome = send(next);
            refusals = outcome == Outcome.REFUSED ? refusals + 1 : 0;
            if (refusals == REFUSALS) {
                ShimLog.error(
                        "containerd refused an event; dropping it",
                        "topic",
                        next.envelope().getTopic());
            }
            if (outcome == Outcome.DELIVERED || refusals == REFUSALS) {
                remove(next);
                refusals = 0;
                pause = FIRST_PAUSE;
            } else {
                sleep(pause);
                pause = pause.multipliedBy(2).compareTo(LONGEST_PAUSE) < 0 ? pause.multipliedBy(2) : LONGEST_PAUSE;
            }
        }
    }

    private @Nullable Waiting next() {
        List<Runnable> actions;
        synchronized (this) {
            var next = queue.peekFirst();
            if (next != null) {
                return next;
            }
            delivering = false;
            notifyAll();
            actions = List.copyOf(afterwards);
            afterwards.clear();
        }
        actions.forEach(Runnable::run);
        return null;
    }

    private synchronized void remove(Waiting waiting) {
        // It may have been dropped meanwhile, when the queue was full.
        if (queue.remove(waiting)) {
            bytes -= waiting.envelope().getSerializedSize();
            notes.delivered(waiting.number());
        }
        try {
            if (line != null) {
                line.settle();
            }
        } catch (IOException e) {
            disconnect();
        }
    }

    private Outcome send(Waiting next) {
        try {
            var status = line().send(next.number(), next.envelope());
            FaultPoint.at("event-sent");
            return status.isOk() ? Outcome.DELIVERED : failed(next, isRefusal(status), status.toString());
        } catch (IOException | RuntimeException e) {
            return failed(next, false, e.getMessage());
        }
    }

    private Outcome failed(Waiting next, boolean isRefused, @Nullable String why) {
        ShimLog.debug("cannot deliver an event yet", "topic", next.envelope().getTopic(), "error", why);
        disconnect();
        return isRefused ? Outcome.REFUSED : Outcome.FAILED;
    }

    /** Whether it is the event that is at fault: it will be no better for waiting, and holds up all behind it. */
    private static boolean isRefusal(Status status) {
        return switch (status.getCode()) {
            case UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED, RESOURCE_EXHAUSTED, ABORTED -> false;
            default -> true;
        };
    }

    private Line line() throws IOException {
        var open = line;
        if (open == null) {
            open = Line.connect(address, store, notes);
            line = open;
        }
        return open;
    }

    private void disconnect() {
        var open = line;
        line = null;
        if (open != null) {
            open.close();
        }
    }

    private static void sleep(Duration pause) {
        try {
            Thread.sleep(pause);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
