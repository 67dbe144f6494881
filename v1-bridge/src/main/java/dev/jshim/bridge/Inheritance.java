package dev.jshim.bridge;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.FdMessage;
import dev.jshim.linux.UnixSocket;
import dev.jshim.proto.v2.bridge.BridgeGrpc;
import dev.jshim.proto.v2.bridge.HandOverRequest;
import dev.jshim.proto.v2.bridge.Handed;
import dev.jshim.ttrpc.MovedConnection;
import dev.jshim.ttrpc.TtrpcChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** What a bridge gets from its predecessor, the other end of {@link HandOver}. For one thread. */
final class Inheritance implements AutoCloseable {
    private static final Duration STEP = Duration.ofSeconds(10);
    /** The predecessor comes once nothing is under way there. */
    private static final Duration COMES = Duration.ofSeconds(12);

    private static final Duration REASON = Duration.ofSeconds(2);
    private static final Duration ALL = Duration.ofSeconds(60);

    /** A container, and those who are connected to it. */
    record Heirloom(LegacyRecord record, UnixSocket listener, Set<String> running, List<MovedConnection> connections) {}

    private final UnixSocket line;
    private final List<Heirloom> containers = new ArrayList<>();
    private final List<Handed> events = new ArrayList<>();

    private Inheritance(UnixSocket line) {
        this.line = line;
    }

    /**
     * Asks the bridge that runs for all that it has.
     *
     * @throws IOException where it refuses, with its reason; it goes on then
     */
    static Inheritance claim(BridgePaths paths) throws IOException {
        var socket = paths.successor();
        PrivateSocket.prepare(socket);
        try (var listener = UnixSocket.listenForMessages(socket);
                var control = TtrpcChannel.connect(paths.control(), STEP)) {
            PrivateSocket.restrict(socket);
            var refusal = ask(control, socket.toString(), listener);
            return receive(listener, refusal);
        } catch (ErrnoException e) {
            throw new IOException("cannot listen on " + socket + ": " + e.getMessage(), e);
        } finally {
            Files.deleteIfExists(socket);
        }
    }

    /** Completes with the reason where the predecessor refuses. */
    private static CompletableFuture<IOException> ask(TtrpcChannel control, String socket, UnixSocket listener) {
        var refusal = new CompletableFuture<IOException>();
        var stub = BridgeGrpc.newBlockingStub(control).withDeadlineAfter(ALL.toMillis(), TimeUnit.MILLISECONDS);
        Thread.ofVirtual().name("hand-over").start(() -> {
            try {
                var _ = stub.handOver(
                        HandOverRequest.newBuilder().setSocket(socket).build());
            } catch (StatusRuntimeException e) {
                var status = e.getStatus();
                var why = status.getCode() == Status.Code.UNIMPLEMENTED
                        ? "it is of a version that cannot hand over"
                        : String.valueOf(status.getDescription());
                refusal.complete(new IOException("the bridge that runs goes on: " + why, e));
                listener.stopReading();
            }
        });
        return refusal;
    }

    private static Inheritance receive(UnixSocket listener, CompletableFuture<IOException> refusal) throws IOException {
        UnixSocket line;
        try {
            line = listener.accept(COMES);
        } catch (IOException e) {
            throw reason(refusal, e);
        }
        var inheritance = new Inheritance(line);
        try {
            while (inheritance.take(line.receive(HandOver.MAX_MESSAGE, STEP))) {
                // The next one.
            }
            return inheritance;
        } catch (IOException e) {
            inheritance.giveUp();
            throw reason(refusal, e);
        } catch (RuntimeException e) {
            inheritance.giveUp();
            throw new IOException("the bridge that runs sends what cannot be understood", e);
        }
    }

    /** The predecessor hangs up first, and then says why. */
    private static IOException reason(CompletableFuture<IOException> refusal, IOException seen) {
        return refusal.completeOnTimeout(seen, REASON.toMillis(), TimeUnit.MILLISECONDS)
                .join();
    }

    /** False with the last message. */
    private boolean take(FdMessage message) throws IOException {
        if (message.data().length == 0) {
            throw new IOException("the bridge that runs has hung up");
        }
        Handed handed;
        try {
            handed = Handed.parseFrom(message.data());
        } catch (InvalidProtocolBufferException e) {
            throw new IOException("the bridge that runs sends what cannot be read", e);
        }
        var fd = message.fd();
        if (fd == null) {
            if (handed.hasEvent()) {
                events.add(handed);
            }
            return !handed.getLast();
        }
        var socket = UnixSocket.of(fd);
        if (handed.getConnection()) {
            containers
                    .getLast()
                    .connections()
                    .add(new MovedConnection(
                            new TaskPeer(socket), handed.getUnread().toByteArray()));
        } else {
            containers.add(new Heirloom(
                    LegacyRecord.parse(handed.getRecord()),
                    socket,
                    new HashSet<>(handed.getRunningList()),
                    new ArrayList<>()));
        }
        return true;
    }

    List<Heirloom> containers() {
        return List.copyOf(containers);
    }

    List<Handed> events() {
        return List.copyOf(events);
    }

    /** Tells the predecessor that all is served here, and waits until it has let go of its lock. */
    void serves() throws IOException {
        line.send(new FdMessage(HandOver.SERVES.getBytes(StandardCharsets.UTF_8), null), STEP);
        var _ = line.receive(HandOver.MAX_MESSAGE, ALL);
    }

    private void giveUp() {
        for (var container : containers) {
            container.listener().close();
            container.connections().forEach(connection -> ((TaskPeer) connection.channel()).close());
        }
        line.close();
    }

    @Override
    public void close() {
        line.close();
    }
}
