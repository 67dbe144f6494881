package dev.jshim.shim.event;

import com.google.protobuf.Any;
import com.google.protobuf.Message;
import dev.jshim.linux.VirtualThreads;
import dev.jshim.proto.v2.events.TaskExit;
import dev.jshim.proto.v2.forward.EventsGrpc;
import dev.jshim.proto.v2.forward.ForwardRequest;
import dev.jshim.proto.v2.types.Envelope;
import dev.jshim.shim.log.ShimLog;
import dev.jshim.ttrpc.TtrpcChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Delivers events to containerd over ttrpc, one after the other, and tries again while it is down.
 *
 * <p>The queue is bounded: when it is full the oldest event goes that is not an exit, for an exit is what containerd
 * cannot find out later. A thread exists only while there is something to deliver. Thread-safe.
 */
public final class TtrpcPublisher implements EventSink {
    private static final int CAPACITY = 2048;
    private static final long CAPACITY_BYTES = 16 << 20;
    private static final Duration CONNECT = Duration.ofSeconds(2);
    private static final long CALL_SECONDS = 5;
    private static final int REFUSALS = 5;
    private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

    private enum Outcome {
        DELIVERED,
        REFUSED,
        FAILED
    }

    private final Supplier<Path> address;
    private final String namespace;
    private final int capacity;
    private final Deque<Envelope> queue = new ArrayDeque<>();
    private long bytes;
    private final List<Runnable> afterwards = new ArrayList<>();
    private boolean delivering;
    private @Nullable TtrpcChannel channel;

    /**
     * Delivers to one containerd.
     *
     * @param address the daemon's ttrpc socket, as TTRPC_ADDRESS names it
     */
    public TtrpcPublisher(Path address, String namespace) {
        this(() -> address, namespace, CAPACITY);
    }

    /** Delivers to one containerd, whose socket may move: it is asked for before each connection. */
    public TtrpcPublisher(Supplier<Path> address, String namespace) {
        this(address, namespace, CAPACITY);
    }

    /** @param capacity how many events wait at most */
    TtrpcPublisher(Path address, String namespace, int capacity) {
        this(() -> address, namespace, capacity);
    }

    private TtrpcPublisher(Supplier<Path> address, String namespace, int capacity) {
        this.address = address;
        this.namespace = namespace;
        this.capacity = capacity;
    }

    @Override
    public void publish(Message event) {
        add(Envelope.newBuilder()
                .setTimestamp(Timestamps.of(Instant.now()))
                .setNamespace(namespace)
                .setTopic(Topic.of(event))
                .setEvent(Any.newBuilder()
                        .setTypeUrl(Topic.type(event.getClass()))
                        .setValue(event.toByteString()))
                .build());
    }

    private void add(Envelope envelope) {
        synchronized (this) {
            queue.addLast(envelope);
            bytes += envelope.getSerializedSize();
            while (queue.size() > capacity || (bytes > CAPACITY_BYTES && queue.size() > 1)) {
                drop();
            }
            if (delivering) {
                return;
            }
            delivering = true;
        }
        VirtualThreads.start("events", this::deliver, e -> ShimLog.error("events wait for a thread", "error", e));
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
        for (var waiting = queue.iterator(); waiting.hasNext(); ) {
            var next = waiting.next();
            if (!next.getEvent().getTypeUrl().equals(exit)) {
                waiting.remove();
                bytes -= next.getSerializedSize();
                ShimLog.error("event queue is full: an event was dropped");
                return;
            }
        }
        bytes -= queue.removeFirst().getSerializedSize();
        ShimLog.error("event queue is full of exits: the oldest was dropped");
    }

    /** Waits until all events have been delivered, at most for the given time. Answers whether they have. */
    public boolean drain(Duration patience) {
        var deadline = System.nanoTime() + patience.toNanos();
        synchronized (this) {
            while (delivering) {
                var left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
                if (left <= 0) {
                    return false;
                }
                try {
                    wait(left);
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
                ShimLog.error("an event was refused and is given up", "topic", next.getTopic());
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

    private @Nullable Envelope next() {
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

    private synchronized void remove(Envelope envelope) {
        // It may have been dropped meanwhile, when the queue was full.
        if (queue.removeFirstOccurrence(envelope)) {
            bytes -= envelope.getSerializedSize();
        }
    }

    private Outcome send(Envelope envelope) {
        try {
            var _ = EventsGrpc.newBlockingStub(channel())
                    .withDeadlineAfter(CALL_SECONDS, TimeUnit.SECONDS)
                    .forward(ForwardRequest.newBuilder().setEnvelope(envelope).build());
            return Outcome.DELIVERED;
        } catch (IOException | RuntimeException e) {
            ShimLog.debug("cannot deliver an event yet", "topic", envelope.getTopic(), "error", e.getMessage());
            disconnect();
            return e instanceof StatusRuntimeException answer && isRefusal(answer.getStatus())
                    ? Outcome.REFUSED
                    : Outcome.FAILED;
        }
    }

    /** Whether it is the event that is at fault: it will be no better for waiting, and holds up all behind it. */
    private static boolean isRefusal(Status status) {
        return switch (status.getCode()) {
            case UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED, RESOURCE_EXHAUSTED, ABORTED -> false;
            default -> true;
        };
    }

    private TtrpcChannel channel() throws IOException {
        var open = channel;
        if (open == null || open.closed().isDone()) {
            disconnect();
            open = TtrpcChannel.connect(address.get(), CONNECT);
            channel = open;
        }
        return open;
    }

    private void disconnect() {
        var open = channel;
        channel = null;
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
