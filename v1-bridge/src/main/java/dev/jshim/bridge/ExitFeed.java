package dev.jshim.bridge;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import dev.jshim.node.ContainerdClient;
import dev.jshim.node.ContainerdEvent;
import dev.jshim.proto.v2.events.TaskDelete;
import dev.jshim.proto.v2.events.TaskExit;
import dev.jshim.shim.event.EventSink;
import dev.jshim.shim.log.ShimLog;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Listens to the exits that containerd tells of, whoever published them, and tells the sinks of all namespaces. Where
 * containerd is away it is looked for again and again. Thread-safe.
 */
final class ExitFeed implements AutoCloseable {
    private static final String TOPIC = "/tasks/exit";
    private static final Duration TIMEOUT = Duration.ofSeconds(2);
    /** Short: an exit that comes between containerd's start and our subscription is told of twice. */
    private static final Duration RETRY = Duration.ofMillis(200);

    private Path address;
    private final Function<String, EventSink> publishers;
    private final ScheduledExecutorService timer;
    private final Duration patience;
    private final Map<String, ExitSink> sinks = new ConcurrentHashMap<>();
    private @Nullable ContainerdClient client;
    private boolean listening;
    private boolean tellsOoms;
    private boolean warm;
    private boolean closed;

    /**
     * A feed that does not listen yet.
     *
     * @param publishers gives the way to containerd for a namespace
     * @param patience how long an exit is held back to be seen
     */
    ExitFeed(Path address, Function<String, EventSink> publishers, ScheduledExecutorService timer, Duration patience) {
        this.address = address;
        this.publishers = publishers;
        this.timer = timer;
        this.patience = patience;
    }

    /** The sink for the events of a namespace. */
    EventSink sink(String namespace) {
        var sink = sinks.computeIfAbsent(namespace, ns -> new ExitSink(publishers.apply(ns), timer, patience));
        synchronized (this) {
            sink.daemonTellsOoms(tellsOoms);
            sink.listening(listening);
        }
        return sink;
    }

    /** Gives away all that is held back, by namespace. */
    Map<String, List<Message>> drain() {
        Map<String, List<Message>> all = new HashMap<>();
        sinks.forEach((namespace, sink) -> all.put(namespace, sink.drain()));
        return all;
    }

    /** Holds back, once more, an event that another feed held back. */
    void publishAgain(String namespace, Any event) throws IOException {
        if (event.is(TaskExit.class)) {
            sink(namespace).publish(event.unpack(TaskExit.class));
        } else if (event.is(TaskDelete.class)) {
            sink(namespace).publish(event.unpack(TaskDelete.class));
        }
    }

    /** Begins to listen, now or as soon as containerd is there. */
    void start() {
        Thread.ofVirtual().name("exit-feed").start(this::connect);
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

    private synchronized void connect() {
        if (closed) {
            return;
        }
        hangUp();
        // The first time anyhow: what gRPC needs is loaded then, and not after containerd has come, when exits are
        // missed.
        if (warm && !isListening()) {
            retry();
            return;
        }
        warm = true;
        var fresh = new ContainerdClient(address, TIMEOUT);
        client = fresh;
        // The subscription itself says nothing until the first event: ask whether there is a daemon at all.
        var version = fresh.version().orNull();
        if (version == null) {
            retry();
            return;
        }
        tellsOoms = version.major() < 2;
        var _ = fresh.subscribe(List.of("topic==\"" + TOPIC + "\""), this::event, reason -> ended(fresh, reason));
        tell(true);
    }

    /** Whether there is anybody at all, asked without the cost of gRPC. */
    private boolean isListening() {
        try (var _ = SocketChannel.open(UnixDomainSocketAddress.of(address))) {
            return true;
        } catch (IOException e) {
            return false;
        }
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
            tell(false);
            retry();
        }
    }

    private synchronized void tell(boolean now) {
        listening = now;
        tellsOoms &= now;
        sinks.values().forEach(sink -> {
            sink.daemonTellsOoms(tellsOoms);
            sink.listening(now);
        });
    }

    private void retry() {
        var _ = timer.schedule(this::start, RETRY.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void hangUp() {
        var open = client;
        if (open != null) {
            open.close();
            client = null;
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        hangUp();
    }
}
