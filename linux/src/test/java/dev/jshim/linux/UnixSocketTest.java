package dev.jshim.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnixSocketTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    @TempDir
    Path folder;

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String read(UnixSocket socket) throws IOException {
        var buffer = ByteBuffer.allocate(100);
        var count = socket.read(buffer);
        return count < 0 ? "end" : new String(buffer.array(), 0, count, StandardCharsets.UTF_8);
    }

    /** What a virtual thread, which waits, will have read or be thrown. */
    private static CompletableFuture<String> reading(UnixSocket socket) {
        var result = new CompletableFuture<String>();
        Thread.ofVirtual().start(() -> {
            try {
                result.complete(read(socket));
            } catch (IOException e) {
                result.completeExceptionally(e);
            }
        });
        return result;
    }

    private UnixSocket[] pair() throws IOException {
        var path = folder.resolve("pair");
        Files.deleteIfExists(path);
        try (var listener = UnixSocket.listenForMessages(path)) {
            var client = UnixSocket.connectForMessages(path);
            return new UnixSocket[] {client, listener.accept(LIMIT)};
        }
    }

    @Test
    void writesAtOnceWhatTheSocketTakes() throws Exception {
        var ends = pair();
        try (var one = ends[0];
                var other = ends[1]) {
            assertThat(one.writeNow(ByteBuffer.wrap(bytes("now")))).isEqualTo(3);
            assertThat(read(other)).isEqualTo("now");
            while (one.writeNow(ByteBuffer.allocate(1000)) > 0) {
                // Until it is full.
            }
            var left = ByteBuffer.wrap(bytes("later"));
            assertThat(one.writeNow(left)).isZero();
            assertThat(left.remaining()).isEqualTo(5);
        }
        assertThatThrownBy(() -> ends[0].writeNow(ByteBuffer.wrap(bytes("later"))))
                .isInstanceOf(ClosedChannelException.class);
    }

    @Test
    void waitsForBytesAndForTheEnd() throws Exception {
        var pair = pair();
        try (var server = pair[1]) {
            try (var client = pair[0]) {
                var first = reading(server);
                assertThat(client.write(ByteBuffer.wrap(bytes("hello")))).isEqualTo(5);
                assertThat(first.get(LIMIT.toSeconds(), TimeUnit.SECONDS)).isEqualTo("hello");
            }
            assertThat(reading(server).get(LIMIT.toSeconds(), TimeUnit.SECONDS)).isEqualTo("end");
        }
    }

    @Test
    void stoppedReadTakesNothing() throws Exception {
        var pair = pair();
        try (var client = pair[0];
                var server = pair[1]) {
            var stopped = reading(server);
            server.stopReading();
            assertThatThrownBy(() -> stopped.get(LIMIT.toSeconds(), TimeUnit.SECONDS))
                    .hasCauseInstanceOf(InterruptedIOException.class);
            client.write(ByteBuffer.wrap(bytes("kept")));
            assertThatThrownBy(() -> read(server)).isInstanceOf(InterruptedIOException.class);
            server.resumeReading();
            assertThat(read(server)).isEqualTo("kept");
        }
    }

    @Test
    void closeWakesWhoReads() throws Exception {
        var pair = pair();
        try (var client = pair[0]) {
            var reading = reading(pair[1]);
            pair[1].close();
            assertThatThrownBy(() -> reading.get(LIMIT.toSeconds(), TimeUnit.SECONDS))
                    .hasCauseInstanceOf(ClosedChannelException.class);
            assertThat(client.isOpen()).isTrue();
        }
    }

    @Test
    void connectionGoesOverToAnotherOwner() throws Exception {
        var line = pair();
        var moved = pair();
        try (var giver = line[0];
                var taker = line[1];
                var peer = moved[0]) {
            giver.send(new FdMessage(bytes("this one"), moved[1].fd()), LIMIT);
            moved[1].close();
            var message = taker.receive(100, LIMIT);
            assertThat(new String(message.data(), StandardCharsets.UTF_8)).isEqualTo("this one");
            try (var taken = UnixSocket.of(Objects.requireNonNull(message.fd()))) {
                peer.write(ByteBuffer.wrap(bytes("still here")));
                assertThat(read(taken)).isEqualTo("still here");
                taken.shutdown();
                assertThat(read(peer)).isEqualTo("end");
            }
        }
    }

    @Test
    void patienceEnds() throws Exception {
        var pair = pair();
        try (var server = pair[1]) {
            assertThatThrownBy(() -> server.receive(10, Duration.ofMillis(20)))
                    .isInstanceOf(SocketTimeoutException.class);
            pair[0].close();
            assertThat(server.receive(10, LIMIT).data()).isEmpty();
        }
    }
}
