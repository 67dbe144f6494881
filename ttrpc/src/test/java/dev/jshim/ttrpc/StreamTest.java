package dev.jshim.ttrpc;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.CallOptions;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class StreamTest {
    private final RawService service = new RawService();
    private Fixture fixture;
    private TtrpcChannel channel;

    @BeforeEach
    void start() throws IOException {
        fixture = new Fixture(TtrpcServer.builder().addService(service.definition()));
        channel = fixture.channel();
    }

    @AfterEach
    void stop() throws IOException {
        fixture.close();
    }

    @Test
    void ofTheServer() {
        assertCounts();
    }

    private void assertCounts() {
        Iterator<byte[]> numbers = ClientCalls.blockingServerStreamingCall(
                channel, RawService.COUNT, CallOptions.DEFAULT, RawService.number(500));
        for (int i = 0; i < 500; i++) {
            assertThat(RawService.number(numbers.next())).isEqualTo(i);
        }
        assertThat(numbers.hasNext()).isFalse();
    }

    @Test
    void ofTheClient() throws Exception {
        Collector answers = new Collector();
        StreamObserver<byte[]> requests =
                ClientCalls.asyncClientStreamingCall(channel.newCall(RawService.SUM, CallOptions.DEFAULT), answers);
        for (int i = 0; i < 100; i++) {
            requests.onNext(RawService.number(i));
        }
        requests.onCompleted();
        assertThat(answers.ended.get(10, TimeUnit.SECONDS)).isEqualTo(Status.Code.OK);
        assertThat(answers.numbers()).containsExactly(4950);
    }

    @Test
    void ofBoth() throws Exception {
        Collector answers = new Collector();
        StreamObserver<byte[]> requests =
                ClientCalls.asyncBidiStreamingCall(channel.newCall(RawService.CHAT, CallOptions.DEFAULT), answers);
        for (int i = 0; i < 100; i++) {
            requests.onNext(RawService.number(i));
        }
        requests.onCompleted();
        assertThat(answers.ended.get(10, TimeUnit.SECONDS)).isEqualTo(Status.Code.OK);
        assertThat(answers.numbers()).hasSize(100).isSorted();
    }

    @Test
    void isCancelledWhileAnotherGoesOn() throws Exception {
        Collector answers = new Collector();
        StreamObserver<byte[]> chat =
                ClientCalls.asyncBidiStreamingCall(channel.newCall(RawService.CHAT, CallOptions.DEFAULT), answers);
        StreamObserver<byte[]> deaf = ClientCalls.asyncBidiStreamingCall(
                channel.newCall(RawService.DEAF, CallOptions.DEFAULT), new Collector());
        assertThat(service.deafBegan.await(10, TimeUnit.SECONDS)).isTrue();
        deaf.onError(Status.CANCELLED.asRuntimeException());
        assertThat(service.deafCancelled.await(10, TimeUnit.SECONDS)).isTrue();
        chat.onNext(RawService.number(1));
        chat.onCompleted();
        assertThat(answers.ended.get(10, TimeUnit.SECONDS)).isEqualTo(Status.Code.OK);
    }

    /** Nobody reads them: the stream ends when the box is full, the connection lives. */
    @Test
    void endsWhenMoreComesThanCanBeHeld() throws Exception {
        Collector answers = new Collector();
        StreamObserver<byte[]> deaf =
                ClientCalls.asyncBidiStreamingCall(channel.newCall(RawService.DEAF, CallOptions.DEFAULT), answers);
        // A stream that ends before its handler ever ran has nobody to tell that it was cancelled.
        assertThat(service.deafBegan.await(10, TimeUnit.SECONDS)).isTrue();
        for (int i = 0; i < Inbox.MAX_MESSAGES + 10; i++) {
            deaf.onNext(RawService.number(i));
        }
        assertThat(answers.ended.get(10, TimeUnit.SECONDS)).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
        assertThat(service.deafCancelled.await(10, TimeUnit.SECONDS)).isTrue();
        assertCounts();
    }

    @Test
    void waitsForAClientThatReadsSlowly() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        ConcurrentLinkedQueue<Integer> numbers = new ConcurrentLinkedQueue<>();
        CompletableFuture<Boolean> ended = new CompletableFuture<>();
        ClientCalls.asyncServerStreamingCall(
                channel.newCall(RawService.COUNT, CallOptions.DEFAULT),
                RawService.number(1000),
                new ClientResponseObserver<byte[], byte[]>() {
                    @Override
                    public void beforeStart(ClientCallStreamObserver<byte[]> call) {
                        call.disableAutoRequestWithInitial(1);
                        Thread.startVirtualThread(() -> {
                            try {
                                if (go.await(10, TimeUnit.SECONDS)) {
                                    call.request(1000);
                                }
                            } catch (InterruptedException e) {
                                Thread.currentThread().interrupt();
                            }
                        });
                    }

                    @Override
                    public void onNext(byte[] message) {
                        numbers.add(RawService.number(message));
                    }

                    @Override
                    public void onError(Throwable t) {
                        ended.completeExceptionally(t);
                    }

                    @Override
                    public void onCompleted() {
                        ended.complete(true);
                    }
                });
        assertCounts();
        assertThat(numbers.size()).isLessThanOrEqualTo(1);
        go.countDown();
        assertThat(ended.get(10, TimeUnit.SECONDS)).isTrue();
        assertThat(List.copyOf(numbers)).hasSize(1000).isSorted();
    }

    @Test
    void aDataFrameOnAUnaryCallEndsThatCallAlone() throws Exception {
        EchoTask task = new EchoTask();
        try (Fixture tasks = new Fixture(TtrpcServer.builder().addService(task));
                RawPeer peer = tasks.raw()) {
            peer.request(1, EchoTask.SERVICE, "Wait", new byte[0], 0);
            peer.write(Frame.empty(1, Frame.DATA, (byte) (Frame.REMOTE_CLOSED | Frame.NO_DATA)));
            assertThat(peer.error(1).code()).isEqualTo(Status.Code.INVALID_ARGUMENT.value());
            peer.write(Frame.empty(1, Frame.DATA, Frame.NO_DATA));
            assertThat(peer.error(1).message()).isEqualTo("StreamID is no longer active");
            peer.request(3, EchoTask.SERVICE, "State", new byte[0], 0);
            assertThat(peer.response(3).status()).isNull();
        }
    }

    /** As Go clients speak: a request without payload, data, then a frame that only closes. */
    @Test
    void servesAGoClient() throws Exception {
        try (RawPeer peer = fixture.raw()) {
            peer.write(new Request(RawMethods.SERVICE, "Chat", null, 0, List.of()).frame(1, Frame.REMOTE_OPEN));
            peer.write(Frame.of(1, Frame.DATA, (byte) 0, Payload.of(new byte[] {5})));
            Frame echo = requireNonNull(peer.read());
            assertThat(echo.type()).isEqualTo(Frame.DATA);
            assertThat(echo.data().copy()).containsExactly(5);
            peer.write(Frame.empty(1, Frame.DATA, (byte) (Frame.REMOTE_CLOSED | Frame.NO_DATA)));
            Frame end = requireNonNull(peer.read());
            assertThat(end.type()).isEqualTo(Frame.DATA);
            assertThat(end.flags()).isEqualTo((byte) (Frame.REMOTE_CLOSED | Frame.NO_DATA));
        }
    }

    @Test
    void failsWhenTheConnectionEnds() throws Exception {
        Collector answers = new Collector();
        StreamObserver<byte[]> requests =
                ClientCalls.asyncBidiStreamingCall(channel.newCall(RawService.CHAT, CallOptions.DEFAULT), answers);
        requests.onNext(RawService.number(7));
        assertThat(answers.first.await(10, TimeUnit.SECONDS)).isTrue();
        fixture.server.close();
        assertThat(answers.ended.get(10, TimeUnit.SECONDS)).isEqualTo(Status.Code.UNAVAILABLE);
    }

    private static final class Collector implements StreamObserver<byte[]> {
        final CompletableFuture<Status.Code> ended = new CompletableFuture<>();
        final CountDownLatch first = new CountDownLatch(1);
        private final ConcurrentLinkedQueue<byte[]> messages = new ConcurrentLinkedQueue<>();

        List<Integer> numbers() {
            return messages.stream().map(RawService::number).toList();
        }

        @Override
        public void onNext(byte[] message) {
            messages.add(message);
            first.countDown();
        }

        @Override
        public void onError(Throwable t) {
            ended.complete(Status.fromThrowable(t).getCode());
        }

        @Override
        public void onCompleted() {
            ended.complete(Status.Code.OK);
        }
    }
}
