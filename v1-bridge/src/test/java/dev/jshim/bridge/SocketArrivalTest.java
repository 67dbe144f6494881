package dev.jshim.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SocketArrivalTest {
    private static final Duration LONG = Duration.ofSeconds(30);

    @TempDir
    Path folder;

    private CompletableFuture<Boolean> waiting(Path socket, Duration atMost) {
        return CompletableFuture.supplyAsync(
                () -> {
                    try {
                        return SocketArrival.await(socket, atMost);
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                },
                Executors.newVirtualThreadPerTaskExecutor());
    }

    private static ServerSocketChannel listen(Path socket) throws IOException {
        var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        return server.bind(UnixDomainSocketAddress.of(socket));
    }

    @Test
    void whoListensAlreadyIsFound() throws Exception {
        var socket = folder.resolve("c.sock");
        try (var _ = listen(socket)) {
            assertThat(SocketArrival.await(socket, LONG)).isTrue();
        }
    }

    /** What waits to be accepted fills its backlog: it is there, and whoever asks is not made to wait as well. */
    @Test
    void whoAcceptsNobodyListensAllTheSame() throws Exception {
        var socket = folder.resolve("c.sock");
        var address = UnixDomainSocketAddress.of(socket);
        try (var _ = ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(address, 1);
                var _ = SocketChannel.open(address);
                var _ = SocketChannel.open(address)) {
            assertThat(CompletableFuture.supplyAsync(
                                    () -> SocketArrival.isListening(socket),
                                    task -> Thread.ofPlatform().daemon().start(task))
                            .get(20, TimeUnit.SECONDS))
                    .isTrue();
            assertThat(CompletableFuture.supplyAsync(
                                    () -> SocketArrival.isListening(socket), Thread::startVirtualThread)
                            .get(20, TimeUnit.SECONDS))
                    .isTrue();
        }
        assertThat(SocketArrival.isListening(socket)).isFalse();
    }

    @Test
    void whoComesIsSeenLongBeforeTheNextLook() throws Exception {
        var socket = folder.resolve("c.sock");
        Files.createFile(folder.resolve("c.sock.lock"));
        var seen = waiting(socket, LONG);
        Thread.sleep(300);
        Files.createFile(folder.resolve("another"));
        assertThat(seen).isNotDone();
        try (var _ = listen(socket)) {
            LegacyRig.eventually(seen::isDone);
            assertThat(seen.get()).isTrue();
        }
    }

    @Test
    void nobodyComesAndNoFolderIsThere() throws Exception {
        assertThat(SocketArrival.await(folder.resolve("c.sock"), Duration.ofMillis(100)))
                .isFalse();
        assertThat(SocketArrival.await(folder.resolve("none/c.sock"), Duration.ofMillis(100)))
                .isFalse();
        Files.createFile(folder.resolve("c.sock"));
        assertThat(SocketArrival.await(folder.resolve("c.sock"), Duration.ofMillis(100)))
                .isFalse();
    }
}
