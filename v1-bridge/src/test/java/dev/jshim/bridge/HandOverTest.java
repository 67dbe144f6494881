package dev.jshim.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jshim.linux.UnixSocket;
import dev.jshim.node.NodePaths;
import dev.jshim.proto.v2.bridge.BridgeGrpc;
import dev.jshim.proto.v2.bridge.Handed;
import dev.jshim.proto.v2.bridge.ListRequest;
import dev.jshim.proto.v2.events.TaskExit;
import dev.jshim.proto.v2.task2.ConnectRequest;
import dev.jshim.proto.v2.task2.DeleteRequest;
import dev.jshim.proto.v2.task2.TaskGrpc;
import dev.jshim.proto.v2.task2.WaitRequest;
import dev.jshim.proto.v2.task2.WaitResponse;
import dev.jshim.ttrpc.TtrpcChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A client that is connected, and waits for an exit, does not notice that its bridge is another one. */
class HandOverTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    @TempDir
    Path folder;

    private NodePaths node;
    private FakeContainer container;
    private FakeV1Shim shim;

    @BeforeEach
    void setUp() throws Exception {
        node = new NodePaths(folder.resolve("root"), folder.resolve("state"));
        container = new FakeContainer(node.root(), node.state(), "ns", "c");
        shim = container.serve();
    }

    @AfterEach
    void tearDown() throws Exception {
        shim.close();
        container.kill();
    }

    private BridgeFlags flags(String... more) {
        var flags = List.of(
                "-root", node.root().toString(), "-state", node.state().toString(), "-address", folder + "/none.sock");
        var args = new ArrayList<>(flags);
        args.addAll(List.of(more));
        return BridgeFlags.parse(args.toArray(String[]::new));
    }

    private BridgeDaemon start(String... more) throws IOException {
        var daemon = BridgeDaemon.start(flags(more));
        Thread.ofVirtual().start(() -> {
            try {
                daemon.await();
                daemon.close();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        return daemon;
    }

    private CompletableFuture<WaitResponse> waiting(TtrpcChannel channel) throws Exception {
        var answer = new CompletableFuture<WaitResponse>();
        TaskGrpc.newStub(channel).wait(WaitRequest.newBuilder().setId("c").build(), new StreamObserver<>() {
            @Override
            public void onNext(WaitResponse value) {
                answer.complete(value);
            }

            @Override
            public void onError(Throwable t) {
                answer.completeExceptionally(t);
            }

            @Override
            public void onCompleted() {}
        });
        // Whatever comes after it on the same connection was read after it.
        assertThat(pid(channel)).isEqualTo((int) container.init.pid());
        return answer;
    }

    private static int pid(TtrpcChannel channel) {
        return TaskGrpc.newBlockingStub(channel)
                .withDeadlineAfter(LIMIT.toSeconds(), TimeUnit.SECONDS)
                .connect(ConnectRequest.newBuilder().setId("c").build())
                .getTaskPid();
    }

    @Test
    void clientsStayConnected() throws Exception {
        var old = start();
        var socket = old.bridge().adopt(container.record());
        try (var channel = TtrpcChannel.connect(socket, LIMIT)) {
            var exit = waiting(channel);
            try (var fresh = start("-take-over")) {
                assertThat(old.bridge().isHandedOver()).isTrue();
                assertThat(fresh.bridge().list())
                        .singleElement()
                        .satisfies(c -> assertThat(c.clients()).isEqualTo(1));
                assertThat(pid(channel)).isEqualTo((int) container.init.pid());
                try (var another = TtrpcChannel.connect(socket, LIMIT)) {
                    assertThat(pid(another)).isEqualTo((int) container.init.pid());
                }
                assertThat(exit).isNotDone();
                shim.exit("c");
                assertThat(exit.get(LIMIT.toSeconds(), TimeUnit.SECONDS).getExitStatus())
                        .isEqualTo(shim.exitStatus);
            }
        } finally {
            old.close();
        }
    }

    @Test
    void successorThatFailsChangesNothing() throws Exception {
        try (var daemon = start()) {
            var socket = daemon.bridge().adopt(container.record());
            try (var channel = TtrpcChannel.connect(socket, LIMIT)) {
                var exit = waiting(channel);
                for (var i = 0; i < 3; i++) {
                    assertThatThrownBy(() -> handOverToNobody(daemon)).hasMessageContaining("successor");
                    assertThat(pid(channel)).isEqualTo((int) container.init.pid());
                }
                assertThat(exit).isNotDone();
                shim.exit("c");
                assertThat(exit.get(LIMIT.toSeconds(), TimeUnit.SECONDS).getExitStatus())
                        .isEqualTo(shim.exitStatus);
            }
        }
    }

    @Test
    void oneThatWasReplacedTakesNothingOn() throws Exception {
        var old = start();
        try (var fresh = start("-take-over")) {
            assertThatThrownBy(() -> old.bridge().adopt(container.record())).hasMessageContaining("being replaced");
            assertThatThrownBy(() -> old.bridge().follow(folder, folder)).hasMessageContaining("being replaced");
            assertThatThrownBy(() -> old.bridge().release(container.record().task()))
                    .hasMessageContaining("being replaced");
            var _ = fresh.bridge().adopt(container.record());
        } finally {
            old.close();
        }
    }

    @Test
    void oneThatIsToldToEndTakesNothingOnEither() throws Exception {
        try (var daemon = BridgeDaemon.start(flags())) {
            daemon.bridge().stop();
            assertThatThrownBy(() -> daemon.bridge().adopt(container.record())).hasMessageContaining("about to end");
            assertThatThrownBy(() -> start("-take-over")).hasMessageContaining("about to end");
        }
    }

    /** The word came when the successor ran already, and waited to hear the containerd that was there before. */
    @Test
    void whereContainerdIsTheSuccessorIsTold() throws Exception {
        var old = start();
        try (var mute = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            mute.bind(UnixDomainSocketAddress.of(folder.resolve("none.sock")));
            var starting = CompletableFuture.supplyAsync(() -> {
                try {
                    return start("-take-over");
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            Thread.sleep(1000); // of the 5 s for which it waits: one that is later than that fails nothing
            var moved = folder.resolve("moved.sock");
            old.bridge().follow(moved, folder.resolve("moved.ttrpc"));
            try (var fresh = starting.get(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
                assertThat(fresh.bridge().containerd()).isEqualTo(moved);
            }
        } finally {
            old.close();
        }
    }

    /** A bridge that has just started asks for execs first, and publishes no exit before. */
    @Test
    void anExitThatIsKnownAndWasNotPublishedYetIsNotLost() throws Exception {
        try (var first = start()) {
            var socket = first.bridge().adopt(container.record());
            AddedBundle.create(node, container.record(), socket, Path.of("/bin/shim"), 1);
        }
        LegacyRig.eventually(() -> ordered() < 0);
        shim.mute = true;
        Thread.ofVirtual().start(() -> {
            while (!shim.isWaitedFor("c")) {
                LockSupport.parkNanos(1_000_000);
            }
            shim.exit("c");
        });
        var old = start();
        try (var fresh = start("-take-over")) {
            shim.mute = false;
            LegacyRig.eventually(() -> offered(fresh).stream()
                    .anyMatch(handed -> handed.hasEvent() && handed.getEvent().is(TaskExit.class)));
        } finally {
            old.close();
        }
    }

    /** All that a bridge would give to a successor. */
    private List<Handed> offered(BridgeDaemon daemon) throws Exception {
        var path = folder.resolve("offered.sock");
        Files.deleteIfExists(path);
        try (var listener = UnixSocket.listenForMessages(path)) {
            var taking = CompletableFuture.supplyAsync(() -> takeAll(listener));
            assertThatThrownBy(() -> daemon.bridge().handOver(path)).isInstanceOf(IOException.class);
            return taking.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
        }
    }

    private static List<Handed> takeAll(UnixSocket listener) {
        List<Handed> all = new ArrayList<>();
        try (var line = listener.accept(LIMIT)) {
            do {
                var message = line.receive(HandOver.MAX_MESSAGE, LIMIT);
                all.add(Handed.parseFrom(message.data()));
                var fd = message.fd();
                if (fd != null) {
                    fd.close();
                }
            } while (!all.getLast().getLast());
            return all;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Its deletion is known to this bridge alone, which has to end it: with another one it would stay for ever. */
    @Test
    void whatWasDeletedIsNotGivenAway() throws Exception {
        var old = start();
        var socket = old.bridge().adopt(container.record());
        var served = old.bridge().list().iterator().next();
        try (var channel = TtrpcChannel.connect(socket, LIMIT)) {
            FakeContainer.end(container.init);
            shim.exit("c");
            var _ = TaskGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(LIMIT.toSeconds(), TimeUnit.SECONDS)
                    .delete(DeleteRequest.newBuilder().setId("c").build());
            assertThatThrownBy(() -> served.pack(LIMIT)).hasMessageContaining("deleted");
            assertThat(served.clients()).isEqualTo(1);
            try (var fresh = start("-take-over")) {
                assertThat(fresh.bridge().list()).isEmpty();
                assertThat(container.v1Bundle).doesNotExist();
            }
        } finally {
            old.close();
        }
    }

    /** To one that takes all of it and then dies. */
    private void handOverToNobody(BridgeDaemon daemon) throws Exception {
        var path = folder.resolve("successor.sock");
        Files.deleteIfExists(path);
        try (var listener = UnixSocket.listenForMessages(path)) {
            var taking = new CompletableFuture<Void>();
            Thread.ofVirtual().start(() -> {
                try (var line = listener.accept(LIMIT)) {
                    for (var i = 0; i < 3; i++) {
                        var fd = line.receive(HandOver.MAX_MESSAGE, LIMIT).fd();
                        if (fd != null) {
                            fd.close();
                        }
                    }
                    taking.complete(null);
                } catch (IOException e) {
                    taking.completeExceptionally(e);
                }
            });
            try {
                daemon.bridge().handOver(path);
            } finally {
                taking.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
            }
        }
    }

    /** What was taken over cannot be given back: a successor without the lock goes on, and waits for it. */
    @Test
    void onePredecessorThatDoesNotEndEndsNobody() throws Exception {
        var old = BridgeDaemon.start(flags());
        try {
            var socket = old.bridge().adopt(container.record());
            try (var channel = TtrpcChannel.connect(socket, LIMIT);
                    var _ = BridgeDaemon.start(flags("-take-over"), Duration.ofMillis(50))) {
                assertThat(pid(channel)).isEqualTo((int) container.init.pid());
                old.close();
                LegacyRig.eventually(() -> ordered() == 1);
                assertThat(pid(channel)).isEqualTo((int) container.init.pid());
            }
        } finally {
            old.close();
        }
    }

    /** How many containers the bridge that takes orders serves; -1 while none does. */
    private int ordered() {
        try (var control = TtrpcChannel.connect(new BridgePaths(node).control(), LIMIT)) {
            return BridgeGrpc.newBlockingStub(control)
                    .withDeadlineAfter(LIMIT.toSeconds(), TimeUnit.SECONDS)
                    .list(ListRequest.getDefaultInstance())
                    .getAdoptedCount();
        } catch (IOException | StatusRuntimeException e) {
            return -1;
        }
    }

    @Test
    void nobodyToTakeOverFrom() {
        assertThatThrownBy(() -> start("-take-over")).isInstanceOf(IOException.class);
    }
}
