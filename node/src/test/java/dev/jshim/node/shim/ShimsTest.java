package dev.jshim.node.shim;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.node.Answer;
import dev.jshim.node.bundle.Bundle;
import dev.jshim.node.bundle.OciConfig;
import dev.jshim.node.bundle.V1Bundle;
import dev.jshim.node.bundle.V2Bundle;
import dev.jshim.node.bundle.V2Bundle.Endpoint;
import dev.jshim.node.bundle.V2Bundle.Protocol;
import dev.jshim.task.ListedPid;
import dev.jshim.task.ProcessState;
import dev.jshim.task.ProcessStatus;
import dev.jshim.task.ShimSocket;
import dev.jshim.task.Stdio;
import dev.jshim.task.TaskId;
import dev.jshim.task.client.ShimTask;
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
class ShimsTest {
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

    private ShimTask opened(Bundle bundle, Duration timeout) {
        var shim = Shims.open(bundle, timeout).orNull();
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
        assertThat(shim.state(""))
                .isEqualTo(new ProcessState(
                        "c",
                        Path.of(""),
                        FakeShims.PID,
                        ProcessStatus.RUNNING,
                        new Stdio("", "/fifo/out", "", false),
                        null));
        assertThat(shim.pids()).containsExactly(new ListedPid(FakeShims.PID, ""), new ListedPid(7, "e1"));
        assertThat(shim.shimPid()).isEqualTo(FakeShims.PID);
        shim.kill("", 15, false);
        assertThat(fake.lastSignal).isEqualTo(15);
    }

    @Test
    void v1Refuses() throws IOException {
        var unknown = v1("unknown", listen(new FakeShims.V1("c")));
        assertThat(Shims.ask(unknown, LONG, task -> task.state("")))
                .isEqualTo(new Answer.Refused<>(io.grpc.Status.Code.NOT_FOUND, "process does not exist unknown"));
    }

    @Test
    void v2OfEitherVersion() throws IOException {
        var socket = listen(new FakeShims.V2());
        for (var version : List.of(2, 3)) {
            var shim = opened(v2(socket, version), LONG);
            assertThat(shim.state("").status()).isEqualTo(ProcessStatus.PAUSED);
            assertThat(shim.shimPid()).isEqualTo(FakeShims.PID);
            assertThat(Answer.of(LONG, shim::pids)).isInstanceOf(Answer.Refused.class);
        }
    }

    @Test
    void connectedButMute() throws IOException {
        // Also for the connection, which must be made.
        var timeout = Duration.ofSeconds(2);
        var shim = opened(v1("c", mute(10)), timeout);
        assertThat(Answer.of(timeout, () -> shim.state(""))).isEqualTo(new Answer.Mute<>(timeout));
    }

    @Test
    void backlogFull() throws IOException {
        var socket = mute(1);
        for (var i = 0; i < 5; i++) {
            if (Shims.open(v1("c", socket), SHORT) instanceof Answer.Answered<ShimTask> open) {
                toClose.add(open.value());
            }
        }
        assertThat(Shims.open(v1("c", socket), SHORT)).isEqualTo(new Answer.Mute<>(SHORT));
    }

    @Test
    void nobodyListens() throws IOException {
        var left = directory.resolve("left");
        ServerSocketChannel.open(StandardProtocolFamily.UNIX)
                .bind(UnixDomainSocketAddress.of(left))
                .close();
        assertThat(Shims.open(v1("c", left), LONG)).isEqualTo(new Answer.Absent<>("nobody listens on the socket"));
        Files.delete(left);
        assertThat(Shims.open(v1("c", left), LONG)).isEqualTo(new Answer.Absent<>("the socket is gone"));
    }

    @Test
    void peerThatHangsUp() throws Exception {
        var path = directory.resolve("h");
        var listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(path));
        toClose.add(listener);
        var shim = opened(v1("c", path), LONG);
        listener.accept().close();
        assertThat(Answer.of(LONG, () -> shim.state("")))
                .isInstanceOfSatisfying(
                        Answer.Refused.class,
                        refused -> assertThat(refused.code()).isEqualTo(io.grpc.Status.Code.UNAVAILABLE));
    }
}
