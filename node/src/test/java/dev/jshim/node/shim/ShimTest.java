package dev.jshim.node.shim;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.node.Answer;
import dev.jshim.node.bundle.Bundle;
import dev.jshim.node.bundle.OciConfig;
import dev.jshim.node.bundle.V1Bundle;
import dev.jshim.node.bundle.V2Bundle;
import dev.jshim.node.bundle.V2Bundle.Endpoint;
import dev.jshim.node.bundle.V2Bundle.Protocol;
import dev.jshim.task.ShimSocket;
import dev.jshim.task.TaskId;
import dev.jshim.ttrpc.TtrpcServer;
import io.grpc.BindableService;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(20)
class ShimTest {
    private static final Duration SHORT = Duration.ofMillis(300);
    private static final Duration LONG = Duration.ofSeconds(10);

    @TempDir
    private Path directory;

    private final List<AutoCloseable> toClose = new ArrayList<>();

    @AfterEach
    void tearDown() throws Exception {
        for (var each : toClose) {
            each.close();
        }
    }

    private Path listen(BindableService service) throws IOException {
        var path = directory.resolve("s" + toClose.size());
        var listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(path));
        var server = TtrpcServer.builder().addService(service).build();
        server.serve(listener);
        toClose.add(server);
        return path;
    }

    private Path mute(int backlog) throws IOException {
        var path = directory.resolve("m" + toClose.size());
        toClose.add(
                ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(path), backlog));
        return path;
    }

    private static V1Bundle v1(String id, Path socket) {
        var task = new TaskId("ns", id);
        return new V1Bundle(
                task,
                Path.of("/b"),
                Path.of("/w"),
                0,
                0,
                new OciConfig.Missing(),
                new ShimSocket.Named(socket),
                List.of());
    }

    private static V2Bundle v2(Path socket, int version) {
        return new V2Bundle(
                new TaskId("ns", "c"),
                Path.of("/b"),
                Path.of("/w"),
                0,
                0,
                new OciConfig.Missing(),
                new Endpoint(new ShimSocket.Named(socket), version, Protocol.TTRPC),
                null,
                List.of());
    }

    private Shim opened(Bundle bundle, Duration timeout) {
        var shim = Shim.open(bundle, timeout).orNull();
        assertThat(shim).isNotNull();
        if (shim == null) {
            throw new AssertionError();
        }
        toClose.add(shim);
        return shim;
    }

    @Test
    void v1Answers() throws IOException {
        var fake = new FakeShims.V1("c");
        var shim = opened(v1("c", listen(fake)), LONG);
        assertThat(shim.state().orNull())
                .isEqualTo(new TaskState(FakeShims.PID, TaskStatus.RUNNING, "", "", "/fifo/out", "", false, 0, null));
        assertThat(shim.pids().orNull()).containsExactly(new TaskPid(FakeShims.PID, ""), new TaskPid(7, "e1"));
        assertThat(shim.shimPid().orNull()).isEqualTo(FakeShims.PID);
        assertThat(shim.kill(15)).isInstanceOf(Answer.Answered.class);
        assertThat(fake.lastSignal).isEqualTo(15);
    }

    @Test
    void v1Refuses() throws IOException {
        var state = opened(v1("unknown", listen(new FakeShims.V1("c"))), LONG).state();
        assertThat(state)
                .isEqualTo(new Answer.Refused<>(io.grpc.Status.Code.NOT_FOUND, "process does not exist unknown"));
    }

    @Test
    void v2OfEitherVersion() throws IOException {
        var socket = listen(new FakeShims.V2());
        for (var version : List.of(2, 3)) {
            var shim = opened(v2(socket, version), LONG);
            assertThat(shim.state().orNull()).extracting(TaskState::status).isEqualTo(TaskStatus.PAUSED);
            assertThat(shim.shimPid().orNull()).isEqualTo(FakeShims.PID);
            assertThat(shim.pids()).isInstanceOf(Answer.Refused.class);
        }
    }

    @Test
    void connectedButMute() throws IOException {
        // Also for the connection, which must be made.
        var timeout = Duration.ofSeconds(2);
        var shim = opened(v1("c", mute(10)), timeout);
        assertThat(shim.state()).isEqualTo(new Answer.Mute<>(timeout));
    }

    @Test
    void backlogFull() throws IOException {
        var socket = mute(1);
        for (var i = 0; i < 5; i++) {
            if (Shim.open(v1("c", socket), SHORT) instanceof Answer.Answered<Shim> open) {
                toClose.add(open.value());
            }
        }
        assertThat(Shim.open(v1("c", socket), SHORT)).isEqualTo(new Answer.Mute<>(SHORT));
    }

    @Test
    void nobodyListens() throws IOException {
        var left = directory.resolve("left");
        ServerSocketChannel.open(StandardProtocolFamily.UNIX)
                .bind(UnixDomainSocketAddress.of(left))
                .close();
        assertThat(Shim.open(v1("c", left), LONG)).isEqualTo(new Answer.Absent<>("nobody listens on the socket"));
        Files.delete(left);
        assertThat(Shim.open(v1("c", left), LONG)).isEqualTo(new Answer.Absent<>("the socket is gone"));
    }

    @Test
    void peerThatHangsUp() throws Exception {
        var path = directory.resolve("h");
        var listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(path));
        toClose.add(listener);
        var shim = opened(v1("c", path), LONG);
        listener.accept().close();
        assertThat(shim.state())
                .isInstanceOfSatisfying(
                        Answer.Refused.class,
                        refused -> assertThat(refused.code()).isEqualTo(io.grpc.Status.Code.UNAVAILABLE));
    }
}
