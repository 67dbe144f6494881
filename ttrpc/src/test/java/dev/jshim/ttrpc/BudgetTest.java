package dev.jshim.ttrpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.CallOptions;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** All peers together take no more than is theirs, whoever reads and writes is served meanwhile, and all comes back. */
@Timeout(60)
class BudgetTest {
    private static final long LIMIT = 32 << 20;

    private final Budget budget = new Budget(LIMIT);
    private final List<RawPeer> peers = new ArrayList<>();
    private Fixture fixture;
    private TtrpcChannel bystander;

    @BeforeEach
    void start() throws IOException {
        fixture = new Fixture(
                TtrpcServer.builder().addService(new RawService().definition()).budget(budget));
        bystander = fixture.channel();
        assertServed();
    }

    @AfterEach
    void allComesBack() throws IOException {
        try {
            for (RawPeer peer : peers) {
                peer.close();
            }
            assertServed();
            await("only the bystander is left", () -> budget.taken() == Budget.CONNECTION);
        } finally {
            fixture.close();
        }
        await("nobody is left", () -> budget.taken() == 0);
    }

    private void assertServed() {
        assertThat(ClientCalls.blockingUnaryCall(
                        bystander,
                        RawService.ECHO,
                        CallOptions.DEFAULT.withDeadlineAfter(20, TimeUnit.SECONDS),
                        new byte[] {7}))
                .containsExactly(7);
        assertThat(budget.taken()).isLessThanOrEqualTo(LIMIT);
    }

    private RawPeer peer() throws IOException {
        RawPeer peer = fixture.raw();
        peers.add(peer);
        return peer;
    }

    private static void await(String what, BooleanSupplier condition) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as(what).isLessThan(end);
            Thread.onSpinWait();
        }
    }

    private static byte[] frame(int length) {
        byte[] frame = new byte[Frame.HEADER_LENGTH + length];
        Frame.putHeader(frame, 1, Frame.REQUEST, (byte) 0);
        return frame;
    }

    @Test
    void halfFrames() throws Exception {
        byte[] whole = frame(Frame.MAX_LENGTH);
        byte[] half = Arrays.copyOf(whole, whole.length - 1);
        for (int i = 0; i < 30; i++) {
            peer().write(half);
            assertServed();
        }

        // Of most the rest was read over: they get their answer, and can go on.
        int refused = 0;
        for (RawPeer peer : peers) {
            peer.write(new byte[1]);
            int code = peer.error(1).code();
            refused += code == Status.Code.RESOURCE_EXHAUSTED.value() ? 1 : 0;
            peer.request(3, RawMethods.SERVICE, "Echo", new byte[] {9}, 0);
            assertThat(peer.response(3).payload().copy()).containsExactly(9);
        }
        assertThat(refused).isBetween(30 - (int) (LIMIT / 2 / Frame.MAX_LENGTH), 29);
    }

    @Test
    void headersOfFramesThatNeverCome() throws Exception {
        for (int i = 0; i < 200; i++) {
            byte[] header = frame(0);
            Arrays.fill(header, 0, 4, (byte) 0xff);
            peer().write(header);
            peer().write(Arrays.copyOf(frame(Frame.MAX_LENGTH), Frame.HEADER_LENGTH + i));
        }
        assertServed();
    }

    @Test
    void connectionsWithoutEnd() throws Exception {
        int most = (int) (LIMIT / 4 / Budget.CONNECTION);
        for (int i = 0; i < most + 50; i++) {
            peer();
        }
        assertThat(fixture.server.connections()).isLessThanOrEqualTo(most);
        assertServed();
    }

    @Test
    void answersThatNobodyReads() throws Exception {
        for (int i = 0; i < 40; i++) {
            RawPeer peer = peer();
            for (int call = 1; call < 16; call += 2) {
                peer.request(call, RawMethods.SERVICE, "Zeros", RawService.number(1 << 20), 0);
            }
        }
        assertServed();
        for (int i = 0; i < 40; i++) {
            peers.get(i).channel.shutdownOutput();
        }
        assertServed();
        // Who reads late gets its answers, of which some say that there was no room; or was cut off.
        for (RawPeer peer : peers) {
            readToTheEnd(peer);
        }
    }

    private static void readToTheEnd(RawPeer peer) {
        ByteBuffer answers = ByteBuffer.allocate(1 << 20);
        try {
            int read = peer.channel.read(answers);
            while (read >= 0) {
                read = peer.channel.read(answers.clear());
            }
        } catch (IOException e) {
            assertThat(e).hasMessageContaining("reset");
        }
    }

    @Test
    void manyLargeCallsAtOnce() throws Exception {
        List<TtrpcChannel> channels = new ArrayList<>();
        List<CompletableFuture<Status.Code>> calls = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            TtrpcChannel channel = fixture.channel();
            channels.add(channel);
            CompletableFuture<Status.Code> call = new CompletableFuture<>();
            calls.add(call);
            Thread.startVirtualThread(() -> {
                try {
                    var _ = ClientCalls.blockingUnaryCall(
                            channel, RawService.ECHO, CallOptions.DEFAULT, new byte[3 << 20]);
                    call.complete(Status.Code.OK);
                } catch (StatusRuntimeException e) {
                    call.complete(e.getStatus().getCode());
                }
            });
        }
        for (CompletableFuture<Status.Code> call : calls) {
            assertThat(call.get(20, TimeUnit.SECONDS)).isIn(Status.Code.OK, Status.Code.RESOURCE_EXHAUSTED);
        }
        await("each has been counted out", () -> budget.taken() == 31 * Budget.CONNECTION);
        channels.forEach(TtrpcChannel::close);
    }
}
