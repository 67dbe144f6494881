package dev.jshim.bridge;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import dev.jshim.linux.Fd;
import dev.jshim.linux.FdMessage;
import dev.jshim.linux.UnixSocket;
import dev.jshim.proto.v2.bridge.Handed;
import dev.jshim.shim.log.ShimLog;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Gives all that a bridge serves to its successor: the listening sockets, the connections with the calls that wait on
 * them, and what is known of exits. Until the successor has said that it serves, everything can be taken back. For one
 * thread.
 */
final class HandOver {
    /** What the successor says when it serves. */
    static final String SERVES = "serves";
    /** Of a message, descriptors aside. */
    static final int MAX_MESSAGE = 128 << 10;

    /** All calls but those that wait for an exit have to end within it. */
    private static final Duration QUIET = Duration.ofSeconds(3);

    private static final Duration STEP = Duration.ofSeconds(10);
    private static final Duration ANSWER = Duration.ofSeconds(20);

    private final Collection<AdoptedContainer> containers;
    private final ExitFeed feed;
    private final Map<AdoptedContainer, AdoptedContainer.Belongings> packed = new ConcurrentHashMap<>();
    private final List<AdoptedContainer> unwatched = new ArrayList<>();
    private final List<Handed> events = new ArrayList<>();

    HandOver(Collection<AdoptedContainer> containers, ExitFeed feed) {
        this.containers = List.copyOf(containers);
        this.feed = feed;
    }

    /**
     * Gives it all away; the containers here are done with then.
     *
     * @param socket where the successor listens
     * @throws IOException where the successor does not serve; everything is served here as before then
     */
    void to(Path socket) throws IOException {
        var began = System.nanoTime();
        try (var line = UnixSocket.connectForMessages(socket)) {
            pack();
            for (var container : containers) {
                give(line, container);
            }
            feed.drain()
                    .forEach((namespace, held) -> held.forEach(event -> events.add(Handed.newBuilder()
                            .setNamespace(namespace)
                            .setEvent(Any.pack(event))
                            .build())));
            for (var event : events) {
                send(line, event, null);
            }
            send(line, Handed.newBuilder().setLast(true).build(), null);
            var answer = new String(line.receive(MAX_MESSAGE, ANSWER).data(), StandardCharsets.UTF_8);
            if (!answer.equals(SERVES)) {
                throw new IOException("the successor " + (answer.isEmpty() ? "has ended" : "says: " + answer));
            }
        } catch (IOException | RuntimeException e) {
            takeBack();
            ShimLog.warn("not replaced: going on", "adopted", containers.size(), "error", e);
            throw e instanceof IOException io ? io : new IOException(e);
        }
        packed.forEach(AdoptedContainer::leave);
        var millis = Duration.ofNanos(System.nanoTime() - began).toMillis();
        ShimLog.info("handed over", "adopted", containers.size(), "millis", millis);
    }

    /** All at once: each may have to wait for calls of its own. */
    private void pack() throws IOException {
        Map<AdoptedContainer, IOException> failed = new ConcurrentHashMap<>();
        var packing = containers.stream()
                .map(container -> Thread.ofVirtual().name("pack").start(() -> {
                    try {
                        packed.put(container, container.pack(QUIET));
                    } catch (IOException e) {
                        failed.put(container, e);
                    }
                }))
                .toList();
        try {
            for (var thread : packing) {
                thread.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
        if (!failed.isEmpty()) {
            throw failed.values().iterator().next();
        }
    }

    private void give(UnixSocket line, AdoptedContainer container) throws IOException {
        var belongings = packed.get(container);
        if (belongings == null) {
            throw new IllegalStateException(container.id() + " is not packed");
        }
        unwatched.add(container);
        var running = container.stopWatching();
        var message = Handed.newBuilder()
                .setRecord(container.record().text())
                .addAllRunning(running)
                .build();
        send(line, message, belongings.listener().fd());
        for (var connection : belongings.connections()) {
            if (connection.channel() instanceof TaskPeer(var peer)) {
                var unread = ByteString.copyFrom(connection.unread());
                send(
                        line,
                        Handed.newBuilder()
                                .setConnection(true)
                                .setUnread(unread)
                                .build(),
                        peer.fd());
            }
        }
    }

    private static void send(UnixSocket line, Handed message, @Nullable Fd fd) throws IOException {
        var data = message.toByteArray();
        if (data.length > MAX_MESSAGE) {
            throw new IOException("a client has sent " + data.length + " bytes of a message and not the rest");
        }
        line.send(new FdMessage(data, fd), STEP);
    }

    private void takeBack() {
        packed.forEach(AdoptedContainer::unpack);
        unwatched.forEach(AdoptedContainer::watchAgain);
        for (var handed : events) {
            try {
                feed.publishAgain(handed.getNamespace(), handed.getEvent());
            } catch (IOException e) {
                ShimLog.error("an event is lost", "ns", handed.getNamespace(), "error", e);
            }
        }
    }
}
