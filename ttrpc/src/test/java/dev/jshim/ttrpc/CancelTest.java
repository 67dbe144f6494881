package dev.jshim.ttrpc;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.util.concurrent.ListenableFuture;
import dev.jshim.proto.v2.task2.StateRequest;
import dev.jshim.proto.v2.task2.TaskGrpc;
import dev.jshim.proto.v2.task2.WaitRequest;
import dev.jshim.proto.v2.task2.WaitResponse;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class CancelTest {
    private final EchoTask task = new EchoTask();
    private Fixture fixture;
    private TtrpcChannel channel;
    private TaskGrpc.TaskFutureStub stub;

    @TempDir
    private Path directory;

    @BeforeEach
    void start() throws IOException {
        fixture = new Fixture(TtrpcServer.builder().addService(task));
        channel = fixture.channel();
        stub = TaskGrpc.newFutureStub(channel);
    }

    @AfterEach
    void stop() throws IOException {
        fixture.close();
    }

    private static WaitRequest request(String id) {
        return WaitRequest.newBuilder().setId(id).build();
    }

    private EchoTask.Waiting began(String id) throws InterruptedException {
        EchoTask.Waiting waiting = task.waiting(id);
        assertThat(waiting.began.await(10, TimeUnit.SECONDS)).isTrue();
        return waiting;
    }

    private static void assertCancelled(EchoTask.Waiting waiting) throws InterruptedException {
        assertThat(waiting.contextCancelled.await(10, TimeUnit.SECONDS)).isTrue();
        assertThat(waiting.cancelHandlerCalled.await(10, TimeUnit.SECONDS)).isTrue();
        assertThat(waiting.context.isCancelled()).isTrue();
    }

    private static void answer(EchoTask.Waiting waiting, int exitStatus) {
        waiting.answers.onNext(
                WaitResponse.newBuilder().setExitStatus(exitStatus).build());
        waiting.answers.onCompleted();
    }

    @Test
    void isSeenByTheHandlerWhileAnotherCallGoesOn() throws Exception {
        ListenableFuture<WaitResponse> cancelled = stub.wait(request("cancelled"));
        ListenableFuture<WaitResponse> goesOn = stub.wait(request("goes on"));
        EchoTask.Waiting one = began("cancelled");
        EchoTask.Waiting other = began("goes on");

        assertThat(cancelled.cancel(true)).isTrue();

        assertCancelled(one);
        assertThat(other.context.isCancelled()).isFalse();
        answer(one, 1);
        answer(other, 2);
        assertThat(goesOn.get(10, TimeUnit.SECONDS).getExitStatus()).isEqualTo(2);
    }

    @Test
    void reachesAHandlerThatBlocks() throws Exception {
        CountDownLatch began = new CountDownLatch(1);
        CountDownLatch released = new CountDownLatch(1);
        TtrpcServer.Builder blocking = TtrpcServer.builder().addService(new TaskGrpc.TaskImplBase() {
            @Override
            public void wait(WaitRequest request, StreamObserver<WaitResponse> answers) {
                CountDownLatch cancelled = new CountDownLatch(1);
                Context.current().addListener(_ -> cancelled.countDown(), Runnable::run);
                began.countDown();
                try {
                    if (cancelled.await(10, TimeUnit.SECONDS)) {
                        released.countDown();
                    }
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
        });
        try (Fixture other = new Fixture(blocking)) {
            ListenableFuture<WaitResponse> call =
                    TaskGrpc.newFutureStub(other.channel()).wait(request("x"));
            assertThat(began.await(10, TimeUnit.SECONDS)).isTrue();
            assertThat(call.cancel(true)).isTrue();
            assertThat(released.await(10, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void comesWithTheEndOfTheConnection() throws Exception {
        ListenableFuture<WaitResponse> call = stub.wait(request("c1"));
        TaskGrpc.TaskFutureStub other = TaskGrpc.newFutureStub(fixture.channel());
        ListenableFuture<WaitResponse> goesOn = other.wait(request("c2"));
        EchoTask.Waiting one = began("c1");
        EchoTask.Waiting two = began("c2");

        channel.close();

        assertCancelled(one);
        assertThat(channel.closed()).succeedsWithin(Fixture.LONG);
        assertThatThrownBy(() -> call.get(10, TimeUnit.SECONDS))
                .satisfies(e -> assertStatus(e, Status.Code.UNAVAILABLE));
        assertThatThrownBy(() -> stub.wait(request("c3")).get(10, TimeUnit.SECONDS))
                .satisfies(e -> assertStatus(e, Status.Code.UNAVAILABLE));
        assertThat(two.context.isCancelled()).isFalse();
        answer(two, 3);
        assertThat(goesOn.get(10, TimeUnit.SECONDS).getExitStatus()).isEqualTo(3);
    }

    @Test
    void comesWithTheDeadlineOnBothSides() throws Exception {
        // Long enough for the handler to begin: a call that is over before is not handled at all.
        ListenableFuture<WaitResponse> call =
                stub.withDeadlineAfter(3, TimeUnit.SECONDS).wait(request("c1"));
        assertThatThrownBy(() -> call.get(10, TimeUnit.SECONDS))
                .satisfies(e -> assertStatus(e, Status.Code.DEADLINE_EXCEEDED));
        EchoTask.Waiting waiting = began("c1");
        assertCancelled(waiting);
        assertThat(TaskGrpc.newBlockingStub(channel)
                        .state(StateRequest.newBuilder().setId("alive").build())
                        .getId())
                .isEqualTo("alive");
    }

    @Test
    void comesWithTheServersClockForAPeerThatWaitsOn() throws Exception {
        try (RawPeer peer = fixture.raw()) {
            peer.request(1, EchoTask.SERVICE, "Wait", request("c1").toByteArray(), TimeUnit.SECONDS.toNanos(3));
            StatusMessage late = peer.error(1);
            assertThat(late.code()).isEqualTo(Status.Code.DEADLINE_EXCEEDED.value());
            assertThat(late.message()).isEqualTo("context deadline exceeded");
            assertCancelled(began("c1"));
            peer.request(3, EchoTask.SERVICE, "Wait", request("c2").toByteArray(), -1);
            assertThat(peer.error(3).code()).isEqualTo(Status.Code.DEADLINE_EXCEEDED.value());
            assertThat(task.waiting("c2").began.getCount()).isEqualTo(1);
        }
    }

    @Test
    void givesTheHandlerTheDeadline() throws Exception {
        ListenableFuture<WaitResponse> call =
                stub.withDeadlineAfter(30, TimeUnit.SECONDS).wait(request("c1"));
        EchoTask.Waiting waiting = began("c1");
        Deadline deadline = waiting.context.getDeadline();
        assertThat(requireNonNull(deadline).timeRemaining(TimeUnit.SECONDS)).isBetween(15L, 30L);
        answer(waiting, 0);
        assertThat(call.get(10, TimeUnit.SECONDS)).isNotNull();
    }

    @Test
    void followsTheContextOfTheCaller() throws Exception {
        Context.CancellableContext context = Context.current().withCancellation();
        Context before = context.attach();
        ListenableFuture<WaitResponse> call;
        try {
            call = stub.wait(request("c1"));
        } finally {
            context.detach(before);
        }
        EchoTask.Waiting waiting = began("c1");
        context.cancel(new IllegalStateException("on purpose"));
        assertCancelled(waiting);
        assertThatThrownBy(() -> call.get(10, TimeUnit.SECONDS)).satisfies(e -> assertStatus(e, Status.Code.CANCELLED));
    }

    /** A hung peer: it took the connection and says nothing. */
    @Test
    void ofACallThatNobodyReads() throws Exception {
        Path socket = directory.resolve("mute");
        try (ServerSocketChannel mute = Fixture.listen(socket);
                TtrpcChannel lonely = TtrpcChannel.connect(socket, Fixture.LONG);
                SocketChannel accepted = mute.accept()) {
            assertThat(accepted.isConnected()).isTrue();
            StatusRuntimeException e = UnaryTest.failure(() -> TaskGrpc.newBlockingStub(lonely)
                    .withDeadlineAfter(100, TimeUnit.MILLISECONDS)
                    .state(StateRequest.getDefaultInstance()));
            assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
        }
    }

    @Test
    void ofAConnectThatNobodyAccepts() throws Exception {
        Path socket = directory.resolve("full");
        UnixDomainSocketAddress address = UnixDomainSocketAddress.of(socket);
        try (ServerSocketChannel full =
                ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(address, 1)) {
            assertThat(full.isOpen()).isTrue();
            try (SocketChannel one = SocketChannel.open(address);
                    SocketChannel two = SocketChannel.open(address)) {
                assertThat(one.isConnected() && two.isConnected()).isTrue();
                assertThatThrownBy(() -> TtrpcChannel.connect(socket, Duration.ofMillis(200)))
                        .isInstanceOf(SocketTimeoutException.class);
                CompletableFuture<Boolean> refused = new CompletableFuture<>();
                Thread.startVirtualThread(() -> {
                    try (TtrpcChannel late = TtrpcChannel.connect(socket, Duration.ofMillis(200))) {
                        refused.complete(late.closed().isDone());
                    } catch (IOException e) {
                        refused.complete(e instanceof SocketTimeoutException);
                    }
                });
                assertThat(refused.get(10, TimeUnit.SECONDS)).isTrue();
            }
        }
        assertThatThrownBy(() -> TtrpcChannel.connect(directory.resolve("none"), Fixture.LONG))
                .isInstanceOf(IOException.class);
    }

    private static void assertStatus(Throwable thrown, Status.Code code) {
        assertThat(thrown).isInstanceOf(ExecutionException.class);
        assertThat(Status.fromThrowable(thrown).getCode()).isEqualTo(code);
    }
}
