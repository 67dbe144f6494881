package dev.jshim.node.socket;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jshim.node.Answer;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.shim.FakeShims;
import dev.jshim.task.ShimSocket;
import dev.jshim.task.client.V1Connection;
import dev.jshim.task.client.V1Task;
import dev.jshim.ttrpc.TtrpcServer;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.UUID;
import jnr.unixsocket.UnixServerSocketChannel;
import jnr.unixsocket.UnixSocketAddress;
import jnr.unixsocket.UnixSocketChannel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(20)
class AbstractSocketsTest {
    private static final Duration LONG = Duration.ofSeconds(10);
    private static final Duration SHORT = Duration.ofMillis(200);

    private final String name = "/containerd-shim/" + UUID.randomUUID() + "/c/shim.sock";

    private UnixServerSocketChannel listen(int backlog) throws IOException {
        return listen("\0" + name, backlog);
    }

    private static UnixServerSocketChannel listen(String kernelName, int backlog) throws IOException {
        var listener = UnixServerSocketChannel.open();
        listener.socket().bind(new UnixSocketAddress(kernelName), backlog);
        return listener;
    }

    private V1Task task(Duration timeout) throws IOException {
        var channel = ShimConnection.open(new ShimSocket.Abstract(name), timeout);
        return new V1Task("c", Path.of("/b"), new V1Connection(channel, channel::close, timeout));
    }

    /** As a v1 shim makes it, and as everybody else does. */
    @ParameterizedTest
    @ValueSource(strings = {"\0", ""})
    void speaksWithAShim(String end) throws Exception {
        try (var listener = listen("\0" + name + end, 5);
                var server =
                        TtrpcServer.builder().addService(new FakeShims.V1("c")).build()) {
            assertThat(ProcFs.system().unixSockets().abstractNames()).contains(name);
            var acceptor = Thread.ofPlatform().daemon().start(() -> {
                try {
                    server.serve(listener.accept());
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            });
            try (var shim = task(LONG)) {
                assertThat(shim.state("").pid()).isEqualTo(FakeShims.PID);
                assertThat(shim.pids()).hasSize(2);
            }
            acceptor.join(LONG);
        }
    }

    @Test
    void muteShimOnAnAbstractNameHoldsNobody() throws Exception {
        try (var listener = listen(5);
                var shim = task(SHORT)) {
            assertThat(listener.isOpen()).isTrue();
            assertThat(Answer.of(SHORT, () -> shim.state(""))).isEqualTo(new Answer.Mute<>(SHORT));
        }
    }

    @Test
    void backlogFull() throws Exception {
        var connected = new ArrayList<UnixSocketChannel>();
        try (var listener = listen(0)) {
            assertThat(listener.isOpen()).isTrue();
            assertThatThrownBy(() -> {
                        for (var i = 0; i < 5; i++) {
                            connected.add((UnixSocketChannel) AbstractSockets.connect(name, SHORT));
                        }
                    })
                    .isInstanceOf(SocketTimeoutException.class);
        } finally {
            for (var each : connected) {
                each.close();
            }
        }
    }

    @Test
    void nobodyListens() {
        assertThatThrownBy(() -> AbstractSockets.connect(name, SHORT)).isInstanceOf(ConnectException.class);
    }
}
