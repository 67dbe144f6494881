package dev.jshim.bridge;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.jshim.node.ContainerdClient;
import dev.jshim.node.ContainerdEvent;
import dev.jshim.proto.v2.events.TaskDelete;
import dev.jshim.proto.v2.events.TaskExit;
import dev.jshim.shim.FaultPoint;
import dev.jshim.shim.event.EventSink;
import dev.jshim.shim.log.ShimLog;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Listens to the exits that containerd tells of, whoever published them, and tells the sinks of all namespaces. Where
 * containerd is away it is waited for. Thread-safe.
 */
final class ExitFeed implements AutoCloseable {
    private static final String TOPIC = "/tasks/exit";
    private static final Duration TIMEOUT = Duration.ofSeconds(2);
    /** For a daemon that listens and does not answer. */
    private static final Duration RETRY = Duration.ofMillis(200);
    /** How often one is looked for that was not seen to come. */
    private static final Duration LOOK = Duration.ofSeconds(1);

    private volatile Path address;
    private final Function<String, EventSink> publishers;
    private final HeardDaemon heard;
    private final ScheduledExecutorService timer;
    private final Duration patience;
    private final HeldNotes notes;
    private final UnheardTime.Start start = new UnheardTime.Start();
    private final Map<String, ExitSink> sinks = new ConcurrentHashMap<>();
    private volatile Function<String, ExitWitness> witnesses = _ -> ExitWitness.NONE;
    private @Nullable ContainerdClient client;
    private boolean listening;
    private UnheardTime unheard = UnheardTime.NONE;
    private boolean tellsOoms;
    private volatile boolean closed;

    /**
     * A feed that does not listen yet.
     *
     * @param publishers gives the way to containerd for a namespace
     * @param heard which containerd the bridge before has heard
     * @param patience how long an exit is held back to be seen
     * @param notes what is held back is noted there
     */
    ExitFeed(
            Path address,
            Function<String, EventSink> publishers,
            HeardDaemon heard,
            ScheduledExecutorService timer,
            Duration patience,
            HeldNotes notes) {
        this.address = address;
        this.publishers = publishers;
        this.heard = heard;
        this.timer = timer;
        this.patience = patience;
        this.notes = notes;
    }

    /** Says who knows more of the exits of a namespace; before the first {@link #sink}. */
    void trust(Function<String, ExitWitness> fresh) {
        witnesses = fresh;
    }

    /** Where containerd listens. */
    Path address() {
        return address;
    }

    /** The sink for the events of a namespace. */
    EventSink sink(String namespace) {
        var sink = sinks.computeIfAbsent(
                namespace, ns -> new ExitSink(publishers.apply(ns), witnesses.apply(ns), timer, patience, notes, ns));
        synchronized (this) {
            sink.daemonTellsOoms(tellsOoms);
            sink.missed(unheard);
            sink.listening(listening, false);
        }
        return sink;
    }

    /** Holds back, once more, what the bridge before has held back when it died. */
    void holdAgain() throws IOException {
        for (var held : notes.takeAll()) {
            var sink = sink(held.getNamespace());
            try {
                for (var event : held.getEventsList()) {
                    if (event.is(TaskExit.class)) {
                        sink.publish(event.unpack(TaskExit.class));
                    } else if (event.is(TaskDelete.class)) {
                        sink.publish(event.unpack(TaskDelete.class));
                    }
                }
            } catch (InvalidProtocolBufferException e) {
                ShimLog.error("an event that was held back cannot be read", "ns", held.getNamespace(), "error", e);
            }
        }
    }

    /** Loads what gRPC needs, so that it need not be done after containerd has come, when exits are missed. */
    void warm() {
        Thread.ofVirtual().name("grpc-warm").start(() -> {
            try (var none = new ContainerdClient(address, TIMEOUT)) {
                var _ = none.version();
            }
        });
    }

    /** Begins to listen, now or as soon as containerd is there. */
    void start() {
        Thread.ofVirtual().name("exit-feed").start(this::look);
    }

    /** Waits until containerd is heard, where there is one; answers whether it is. */
    synchronized boolean awaitListening(Duration atMost) throws InterruptedException {
        var end = System.nanoTime() + atMost.toNanos();
        while (!listening && SocketArrival.isListening(address)) {
            var left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
            if (left <= 0) {
                return false;
            }
            wait(left);
        }
        return listening;
    }

    /** Listens at another address from now on. */
    synchronized void follow(Path now) {
        if (!now.equals(address)) {
            address = now;
            var before = client;
            if (before != null) {
                before.close();
            }
        }
    }

    private void look() {
        try {
            while (!closed) {
                if (SocketArrival.await(address, LOOK)) {
                    FaultPoint.at("feed-finds");
                    if (subscribe()) {
                        return;
                    }
                    Thread.sleep(RETRY);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized boolean subscribe() {
        hangUp();
        if (closed) {
            return true;
        }
        var at = address;
        // Before the connection: of a daemon that comes after this one nothing is said then.
        var identity = HeardDaemon.identity(at);
        var fresh = new ContainerdClient(at, TIMEOUT);
        client = fresh;
        var _ = fresh.subscribe(List.of("topic==\"" + TOPIC + "\""), this::event, reason -> ended(fresh, reason));
        // The subscription itself says nothing until the first event: ask whether there is a daemon at all. It answers
        // calls in their order.
        var version = fresh.version().orNull();
        if (version == null) {
            hangUp();
            return false;
        }
        tellsOoms = version.major() < 2;
        unheard = UnheardTime.of(at, start);
        tell(true, heard.hears(identity));
        return true;
    }

    private void event(ContainerdEvent event) {
        var sink = sinks.get(event.namespace());
        if (sink == null || !event.topic().equals(TOPIC)) {
            return;
        }
        try {
            sink.saw(TaskExit.parseFrom(event.event().getValue()));
        } catch (InvalidProtocolBufferException e) {
            ShimLog.warn("containerd sent an exit that cannot be read", "ns", event.namespace(), "error", e);
        }
    }

    private synchronized void ended(ContainerdClient which, String reason) {
        if (!closed && which.equals(client)) {
            ShimLog.info("containerd tells of no exits any more", "reason", reason);
            heard.noMore();
            tell(false, false);
            start();
        }
    }

    private synchronized void tell(boolean now, boolean since) {
        listening = now;
        tellsOoms &= now;
        sinks.values().forEach(sink -> {
            sink.daemonTellsOoms(tellsOoms);
            sink.missed(unheard);
            sink.listening(now, since);
        });
        notifyAll();
    }

    private void hangUp() {
        var open = client;
        if (open != null) {
            client = null;
            open.close();
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        hangUp();
    }
}
