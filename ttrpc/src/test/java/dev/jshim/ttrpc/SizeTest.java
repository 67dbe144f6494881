package dev.jshim.ttrpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.CallOptions;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.io.IOException;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Frames of 4 MiB pass, one byte more does not, and no connection is lost over it. */
@Timeout(30)
class SizeTest {
    /** What the fields around the payload take: the service, the method, tag and length of the payload. */
    private static final int REQUEST_OVERHEAD = 2 + RawMethods.SERVICE.length() + 2 + "Echo".length() + 1 + 4;

    private static final int RESPONSE_OVERHEAD = 1 + 4;

    private Fixture fixture;
    private TtrpcChannel channel;

    @TempDir
    private Path directory;

    @BeforeEach
    void start() throws IOException {
        fixture = new Fixture(TtrpcServer.builder().addService(new RawService().definition()));
        channel = fixture.channel();
    }

    @AfterEach
    void stop() throws IOException {
        fixture.close();
    }

    private byte[] echo(byte[] message) {
        return ClientCalls.blockingUnaryCall(channel, RawService.ECHO, CallOptions.DEFAULT, message);
    }

    private byte[] zeros(int count) {
        return ClientCalls.blockingUnaryCall(channel, RawService.ZEROS, CallOptions.DEFAULT, RawService.number(count));
    }

    private void assertAlive() {
        assertThat(echo(new byte[] {7})).containsExactly(7);
    }

    private static void assertExhausted(StatusRuntimeException e, int length) {
        assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
        assertThat(e.getStatus().getDescription())
                .isEqualTo("message length " + length + " exceed maximum message size of 4194304");
    }

    @Test
    void aRequestOfExactlyTheLimitPasses() {
        byte[] most = new byte[Frame.MAX_LENGTH - REQUEST_OVERHEAD];
        most[most.length - 1] = 1;
        assertThat(echo(most)).isEqualTo(most);
        assertExhausted(UnaryTest.failure(() -> echo(new byte[most.length + 1])), Frame.MAX_LENGTH + 1);
        assertAlive();
    }

    @Test
    void aResponseOfExactlyTheLimitPasses() {
        int most = Frame.MAX_LENGTH - RESPONSE_OVERHEAD;
        assertThat(zeros(most)).hasSize(most);
        assertExhausted(UnaryTest.failure(() -> zeros(most + 1)), Frame.MAX_LENGTH + 1);
        assertExhausted(UnaryTest.failure(() -> zeros(Frame.MAX_LENGTH * 2)), Frame.MAX_LENGTH * 2);
        assertAlive();
    }

    @Test
    void aRequestFarTooLargeFailsHere() {
        assertExhausted(UnaryTest.failure(() -> echo(new byte[Frame.MAX_LENGTH * 3])), Frame.MAX_LENGTH * 3);
        assertAlive();
    }

    @Test
    void anOversizedFrameIsDrainedByTheServer() throws Exception {
        try (RawPeer peer = fixture.raw()) {
            byte[] big = new byte[Frame.HEADER_LENGTH + Frame.MAX_LENGTH + 5];
            Frame.putHeader(big, 1, Frame.REQUEST, (byte) 0);
            peer.write(big);
            assertThat(peer.error(1).code()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED.value());
            peer.request(3, RawMethods.SERVICE, "Echo", new byte[] {9}, 0);
            assertThat(peer.response(3).payload().copy()).containsExactly(9);
        }
    }

    @Test
    void anOversizedFrameIsDrainedByTheClient() throws Exception {
        Path socket = directory.resolve("s");
        try (ServerSocketChannel listener = Fixture.listen(socket);
                TtrpcChannel client = TtrpcChannel.connect(socket, Fixture.LONG);
                RawPeer server = new RawPeer(listener.accept())) {
            CompletableFuture<StatusRuntimeException> failed = CompletableFuture.supplyAsync(() -> UnaryTest.failure(
                    () -> ClientCalls.blockingUnaryCall(client, RawService.ECHO, CallOptions.DEFAULT, new byte[0])));
            assertThat(server.read()).isNotNull();
            byte[] big = new byte[Frame.HEADER_LENGTH + Frame.MAX_LENGTH + 5];
            Frame.putHeader(big, 1, Frame.RESPONSE, (byte) 0);
            server.write(big);
            assertExhausted(failed.get(10, TimeUnit.SECONDS), Frame.MAX_LENGTH + 5);

            CompletableFuture<byte[]> answered = CompletableFuture.supplyAsync(
                    () -> ClientCalls.blockingUnaryCall(client, RawService.ECHO, CallOptions.DEFAULT, new byte[0]));
            assertThat(server.read()).isNotNull();
            server.write(Response.ok(Payload.of(new byte[] {1})).frame(3));
            assertThat(answered.get(10, TimeUnit.SECONDS)).containsExactly(1);
        }
    }

    @Test
    void anErrorTooLargeToBeSentIsStillAnError() throws Exception {
        Status wordy = Status.INTERNAL.withDescription("x".repeat(Frame.MAX_LENGTH));
        Metadata none = new Metadata();
        assertThat(UnaryTest.failure(() -> {
                    try (Fixture other = new Fixture(TtrpcServer.builder()
                            .addService(new RawService().definition())
                            .intercept(new ServerInterceptor() {
                                @Override
                                public <Q, R> ServerCall.Listener<Q> interceptCall(
                                        ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
                                    call.close(wordy, none);
                                    return new ServerCall.Listener<>() {};
                                }
                            }))) {
                        ClientCalls.blockingUnaryCall(
                                other.channel(), RawService.ECHO, CallOptions.DEFAULT, new byte[0]);
                    }
                }))
                .satisfies(e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED));
    }

    @Test
    void manyLargeCallsAtOncePass() throws Exception {
        List<CompletableFuture<byte[]>> calls = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            CompletableFuture<byte[]> call = new CompletableFuture<>();
            calls.add(call);
            Thread.startVirtualThread(() -> {
                try {
                    call.complete(zeros(1 << 20));
                } catch (StatusRuntimeException e) {
                    call.completeExceptionally(e);
                }
            });
        }
        for (CompletableFuture<byte[]> call : calls) {
            assertThat(call.get(10, TimeUnit.SECONDS)).hasSize(1 << 20);
        }
    }
}
