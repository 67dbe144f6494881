package dev.jshim.shim.oci;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.shim.FakeContainer;
import dev.jshim.shim.Until;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What clients do to a shim that has a heap of 64 MiB, and ends when it is out of it: another client is served
 * meanwhile, and the process stays as large as it may be.
 */
class HostileClientsTest extends WithFakeRuntime {
    private static final int MAX_FRAME = 4 << 20;
    private static final int REQUEST = 1;
    private static final int DATA = 3;

    /** The heap, and as much again for the JVM itself and the buffers of its sockets. */
    private static final int MOST_KIB = 160 << 10;

    private final List<SocketChannel> clients = new ArrayList<>();
    private FakeContainer box;

    @BeforeEach
    void start() throws Exception {
        box = running("box" + System.nanoTime(), LASTING);
    }

    @AfterEach
    void theShimIsAsItWas() throws Exception {
        try {
            assertServed();
        } finally {
            for (var client : clients) {
                client.close();
            }
        }
        end(box);
        assertThat(shim.isAlive()).isTrue();
        for (var line : Files.readAllLines(Path.of("/proc/" + shim.pid() + "/status"))) {
            if (line.startsWith("VmHWM:")) {
                assertThat(Integer.parseInt(line.replaceAll("\\D", ""))).isLessThan(MOST_KIB);
            }
        }
    }

    private void assertServed() throws Exception {
        assertThat(box.state().getPid()).isPositive();
        box.exec("e", "exit 4");
        box.start("e");
        assertThat(box.await("e")).isEqualTo(4);
        box.delete("e");
    }

    private SocketChannel client() throws Exception {
        var client = SocketChannel.open(StandardProtocolFamily.UNIX);
        clients.add(client);
        client.connect(UnixDomainSocketAddress.of(shim.socket()));
        return client;
    }

    private static ByteBuffer header(int length, int stream, int type) {
        return ByteBuffer.allocate(10)
                .putInt(length)
                .putInt(stream)
                .put((byte) type)
                .put((byte) 0)
                .flip();
    }

    /** As much as is taken without waiting: whoever is cut off sees that, which is no failure here. */
    private static void say(SocketChannel client, ByteBuffer... all) {
        try {
            client.configureBlocking(false);
            for (var bytes : all) {
                while (bytes.hasRemaining() && client.write(bytes) > 0) {
                    Thread.onSpinWait();
                }
            }
        } catch (IOException e) {
            assertThat(e).hasMessageMatching(".*(reset|pipe).*");
        }
    }

    @Test
    void garbage() throws Exception {
        var random = new Random(20);
        for (var i = 0; i < 300; i++) {
            var bytes = new byte[1 + random.nextInt(4000)];
            random.nextBytes(bytes);
            say(client(), ByteBuffer.wrap(bytes));
        }
    }

    @Test
    void framesThatAreSaidToBeEndless() throws Exception {
        for (var i = 0; i < 200; i++) {
            say(client(), header(-1, 1, REQUEST), ByteBuffer.allocate(i * 100));
        }
    }

    @Test
    void halfFrames() throws Exception {
        for (var i = 0; i < 30; i++) {
            var client = client();
            client.write(header(MAX_FRAME, 1, REQUEST));
            var most = ByteBuffer.allocate(MAX_FRAME - 1);
            while (most.hasRemaining()) {
                client.write(most);
            }
        }
    }

    @Test
    void halfClosedConnections() throws Exception {
        for (var i = 0; i < 200; i++) {
            var client = client();
            say(client, header(i * 3, 1, REQUEST), ByteBuffer.allocate(i));
            client.shutdownOutput();
        }
    }

    /** Each request is refused with more words than it has itself. */
    @Test
    void answersThatNobodyReads() throws Exception {
        var refused = ByteBuffer.allocate(10 * 1000);
        for (var i = 0; i < 1000; i++) {
            refused.put(header(0, 2, DATA));
        }
        for (var i = 0; i < 100; i++) {
            var client = client();
            for (var times = 0; times < 20; times++) {
                say(client, refused.flip());
            }
        }
    }

    /** Calls that last, more than all of them may have: the answer of a Wait may be days away. */
    @Test
    void callsThatWait() throws Exception {
        var id = box.id();
        var payload = new ByteArrayOutputStream();
        field(payload, 1, "containerd.task.v2.Task");
        field(payload, 2, "Wait");
        var request = new ByteArrayOutputStream();
        field(request, 1, id);
        field(payload, 3, request.toString(StandardCharsets.UTF_8));
        var bytes = payload.toByteArray();
        for (var i = 0; i < 20; i++) {
            var all = ByteBuffer.allocate(1000 * (10 + bytes.length));
            for (var call = 0; call < 1000; call++) {
                all.put(header(bytes.length, 2 * call + 1, REQUEST)).put(bytes);
            }
            say(client(), all.flip());
        }
        for (var client : clients.subList(2, clients.size())) {
            client.close();
        }
        Until.holds("what they had is given back", this::isServed);
    }

    private boolean isServed() throws Exception {
        try {
            return box.state().getPid() > 0;
        } catch (StatusRuntimeException e) {
            assertThat(e.getStatus().getCode()).isEqualTo(Code.RESOURCE_EXHAUSTED);
            return false;
        }
    }

    private static void field(ByteArrayOutputStream to, int number, String text) {
        var bytes = text.getBytes(StandardCharsets.UTF_8);
        to.write(number << 3 | 2);
        to.write(bytes.length);
        to.writeBytes(bytes);
    }
}
