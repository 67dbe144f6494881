package dev.jshim.ttrpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.util.concurrent.ListenableFuture;
import dev.jshim.proto.v2.task2.StateRequest;
import dev.jshim.proto.v2.task2.TaskGrpc;
import dev.jshim.proto.v2.task2.WaitRequest;
import dev.jshim.proto.v2.task2.WaitResponse;
import io.grpc.Status;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LifecycleTest {
    private final EchoTask task = new EchoTask();
    private Fixture fixture;
    private TtrpcChannel channel;

    @BeforeEach
    void start() throws IOException {
        fixture = new Fixture(TtrpcServer.builder().addService(task));
        channel = fixture.channel();
    }

    @AfterEach
    void stop() throws IOException {
        fixture.close();
    }

    private static void assertServes(TtrpcChannel channel) {
        assertThat(TaskGrpc.newBlockingStub(channel)
                        .withDeadlineAfter(10, TimeUnit.SECONDS)
                        .state(StateRequest.newBuilder().setId("alive").build())
                        .getId())
                .isEqualTo("alive");
    }

    private ListenableFuture<WaitResponse> waitFor(String id) throws InterruptedException {
        ListenableFuture<WaitResponse> call = TaskGrpc.newFutureStub(channel)
                .wait(WaitRequest.newBuilder().setId(id).build());
        assertThat(task.waiting(id).began.await(10, TimeUnit.SECONDS)).isTrue();
        return call;
    }

    private static void eventually(BooleanSupplier holds) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (!holds.getAsBoolean() && System.nanoTime() < end) {
            Thread.sleep(5);
        }
        assertThat(holds.getAsBoolean()).isTrue();
    }

    @Test
    void shutdownWaitsForRunningCallsAndRefusesNewOnes() throws Exception {
        ListenableFuture<WaitResponse> call = waitFor("c1");
        CompletableFuture<Boolean> shutdown =
                CompletableFuture.supplyAsync(() -> fixture.server.shutdown(Duration.ofSeconds(30)));
        eventually(() -> {
            Status.Code code = codeOf(() -> assertServes(channel));
            return code == Status.Code.UNAVAILABLE;
        });
        assertThat(shutdown).isNotDone();
        eventually(this::isConnectRefused); // the listener is closed after calls are refused

        task.waiting("c1")
                .answers
                .onNext(WaitResponse.newBuilder().setExitStatus(3).build());
        task.waiting("c1").answers.onCompleted();

        assertThat(shutdown.get(10, TimeUnit.SECONDS)).isTrue();
        assertThat(call.get(10, TimeUnit.SECONDS).getExitStatus()).isEqualTo(3);
        assertThat(channel.closed()).succeedsWithin(Fixture.LONG);
        assertThat(fixture.server.connections()).isZero();
    }

    private boolean isConnectRefused() {
        try (var _ = TtrpcChannel.connect(fixture.socket, Fixture.LONG)) {
            return false;
        } catch (IOException e) {
            return true;
        }
    }

    private static Status.Code codeOf(Runnable call) {
        try {
            call.run();
            return Status.Code.OK;
        } catch (RuntimeException e) {
            return Status.fromThrowable(e).getCode();
        }
    }

    @Test
    void shutdownEndsWhatDoesNotEndInTime() throws Exception {
        ListenableFuture<WaitResponse> call = waitFor("c1");
        assertThat(fixture.server.shutdown(Duration.ofMillis(100))).isFalse();
        assertThat(task.waiting("c1").contextCancelled.await(10, TimeUnit.SECONDS))
                .isTrue();
        assertThatThrownBy(() -> call.get(10, TimeUnit.SECONDS))
                .satisfies(e -> assertThat(Status.fromThrowable(e).getCode()).isEqualTo(Status.Code.UNAVAILABLE));
    }

    @Test
    void closeEndsAllAtOnce() throws Exception {
        ListenableFuture<WaitResponse> call = waitFor("c1");
        fixture.server.close();
        assertThatThrownBy(() -> call.get(10, TimeUnit.SECONDS))
                .satisfies(e -> assertThat(Status.fromThrowable(e).getCode()).isEqualTo(Status.Code.UNAVAILABLE));
        try (ServerSocketChannel late = Fixture.listen(fixture.directory.resolve("late"))) {
            assertThatThrownBy(() -> fixture.server.serve(late)).isInstanceOf(IllegalStateException.class);
            assertThat(late.isOpen()).isFalse();
        } finally {
            Files.deleteIfExists(fixture.directory.resolve("late"));
        }
    }

    @Test
    void servesSeveralListeners() throws Exception {
        fixture.server.serve(Fixture.listen(fixture.directory.resolve("other")));
        try (TtrpcChannel other = TtrpcChannel.connect(fixture.directory.resolve("other"), Fixture.LONG)) {
            assertServes(other);
            assertServes(channel);
        } finally {
            Files.deleteIfExists(fixture.directory.resolve("other"));
        }
    }

    @Test
    void forgetsAClientThatLeaves() throws Exception {
        assertServes(channel);
        assertThat(fixture.server.connections()).isEqualTo(1);
        channel.close();
        eventually(() -> fixture.server.connections() == 0);
    }

    @Test
    void keepsNothingOfAThousandConnections() throws Exception {
        assertServes(channel);
        int threads = Thread.activeCount();
        int descriptors = descriptors();
        for (int i = 0; i < 1000; i++) {
            try (TtrpcChannel one = TtrpcChannel.connect(fixture.socket, Fixture.LONG)) {
                if (i % 10 == 0) {
                    assertServes(one);
                }
            }
        }
        eventually(() -> fixture.server.connections() == 1);
        eventually(() -> descriptors() <= descriptors + 2);
        assertThat(Thread.activeCount()).isLessThanOrEqualTo(threads + 3);
        assertServes(channel);
    }

    private static int descriptors() {
        String[] open = Path.of("/proc/self/fd").toFile().list();
        return open == null ? 0 : open.length;
    }

    /** A channel that is not the JDK's, as jnr-unixsocket's are. */
    @Test
    void speaksOverAnyByteChannel() throws Exception {
        SocketChannel socket = SocketChannel.open(UnixDomainSocketAddress.of(fixture.socket));
        try (TtrpcChannel wrapped = TtrpcChannel.over(new Wrapped(socket), "wrapped")) {
            assertServes(wrapped);
            assertThat(wrapped.authority()).isEqualTo("wrapped");
            assertThat(Thread.getAllStackTraces().keySet())
                    .anyMatch(thread -> thread.getName().startsWith("ttrpc-native-"));
        }
        eventually(() -> Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.getName().startsWith("ttrpc-native-")));
    }

    /** A peer that asks and never reads: others go on, and what waits for it is bounded. */
    @Test
    void isNotHeldUpByAPeerThatDoesNotRead() throws Exception {
        RawService raw = new RawService();
        try (Fixture big = new Fixture(
                        TtrpcServer.builder().addService(raw.definition()).addService(task));
                RawPeer mute = big.raw()) {
            for (int id = 1; id < 100; id += 2) {
                mute.request(id, RawMethods.SERVICE, "Zeros", RawService.number(1 << 20), 0);
            }
            TtrpcChannel other = big.channel();
            for (int i = 0; i < 50; i++) {
                assertServes(other);
            }
        }
    }

    private record Wrapped(SocketChannel socket) implements ByteChannel {
        @Override
        public int read(ByteBuffer target) throws IOException {
            return socket.read(target);
        }

        @Override
        public int write(ByteBuffer source) throws IOException {
            return socket.write(source);
        }

        @Override
        public boolean isOpen() {
            return socket.isOpen();
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }
}
