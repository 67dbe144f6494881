package dev.jshim.ttrpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.proto.v1.shim.ShimGrpc;
import dev.jshim.proto.v2.task2.StateRequest;
import dev.jshim.proto.v2.task2.TaskGrpc;
import io.grpc.Status;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whatever a peer says, it harms its own connection at most. */
@Timeout(30)
class GarbageTest {
    private static final long SEED = 20_261_123;

    @TempDir
    private Path directory;

    private static byte[] mutated(Random random, byte[] golden) {
        byte[] bytes = golden.clone();
        int changes = 1 + random.nextInt(8);
        for (int i = 0; i < changes; i++) {
            int at = random.nextInt(bytes.length);
            switch (random.nextInt(3)) {
                case 0 -> bytes[at] = (byte) random.nextInt();
                case 1 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                default -> bytes = Arrays.copyOf(bytes, Math.max(1, at));
            }
        }
        return bytes;
    }

    private static byte[] noise(Random random) {
        byte[] bytes = new byte[1 + random.nextInt(200)];
        random.nextBytes(bytes);
        if (random.nextBoolean()) {
            // A header that says the truth, with nonsense behind it.
            byte[] frame = new byte[Frame.HEADER_LENGTH + bytes.length];
            System.arraycopy(bytes, 0, frame, Frame.HEADER_LENGTH, bytes.length);
            Frame.putHeader(frame, random.nextInt() | 1, (byte) (1 + random.nextInt(4)), (byte) random.nextInt(8));
            return frame;
        }
        return bytes;
    }

    /** Writes what the peer takes, hangs up the one way or the other. */
    private static void say(Path socket, byte[] bytes, boolean politely) throws IOException {
        try (SocketChannel peer = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            peer.write(ByteBuffer.wrap(bytes));
            if (politely) {
                peer.shutdownOutput();
                ByteBuffer answers = ByteBuffer.allocate(64 << 10);
                int read = peer.read(answers);
                while (read >= 0) {
                    read = peer.read(answers.clear());
                }
            }
        }
    }

    @Test
    void harmsNoServer() throws Exception {
        List<byte[]> golden = List.of(
                GoldenTest.golden("v2-1.6-client"),
                GoldenTest.golden("v1-1.6-client"),
                GoldenTest.golden("refusals-2.1-client"),
                GoldenTest.golden("v2-1.6-server"));
        Random random = new Random(SEED);
        try (Fixture fixture = new Fixture(
                TtrpcServer.builder().addService(new EchoTask()).addService(new ShimGrpc.ShimImplBase() {}))) {
            TaskGrpc.TaskBlockingStub bystander = TaskGrpc.newBlockingStub(fixture.channel());
            for (int i = 0; i < 1500; i++) {
                byte[] bytes = i % 3 == 0 ? noise(random) : mutated(random, golden.get(random.nextInt(golden.size())));
                say(fixture.socket, bytes, random.nextBoolean());
                if (i % 50 == 0) {
                    assertThat(bystander
                                    .withDeadlineAfter(10, TimeUnit.SECONDS)
                                    .state(StateRequest.newBuilder().setId("b").build())
                                    .getId())
                            .isEqualTo("b");
                }
            }
        }
    }

    @Test
    void harmsNoClient() throws Exception {
        List<byte[]> golden = List.of(GoldenTest.golden("v2-1.6-server"), GoldenTest.golden("refusals-2.1-server"));
        Random random = new Random(SEED);
        Path socket = directory.resolve("s");
        try (ServerSocketChannel listener = Fixture.listen(socket)) {
            for (int i = 0; i < 500; i++) {
                try (TtrpcChannel channel = TtrpcChannel.connect(socket, Fixture.LONG);
                        SocketChannel server = listener.accept()) {
                    byte[] bytes =
                            i % 3 == 0 ? noise(random) : mutated(random, golden.get(random.nextInt(golden.size())));
                    server.write(ByteBuffer.wrap(bytes));
                    server.shutdownOutput();
                    TaskGrpc.TaskBlockingStub stub =
                            TaskGrpc.newBlockingStub(channel).withDeadlineAfter(10, TimeUnit.SECONDS);
                    Status status = outcome(stub);
                    assertThat(status.getCode()).isNotEqualTo(Status.Code.DEADLINE_EXCEEDED);
                    assertThat(channel.closed()).succeedsWithin(Fixture.LONG);
                }
            }
        }
    }

    private static Status outcome(TaskGrpc.TaskBlockingStub stub) {
        try {
            return stub.state(StateRequest.getDefaultInstance()).isInitialized() ? Status.OK : Status.UNKNOWN;
        } catch (RuntimeException e) {
            return Status.fromThrowable(e);
        }
    }
}
