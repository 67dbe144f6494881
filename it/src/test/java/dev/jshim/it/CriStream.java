package dev.jshim.it;

import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The streams of an exec or an attach, from the daemon's streaming server over a WebSocket: the first byte of a message
 * is its channel (k8s.io/kubelet, pkg/cri/streaming/remotecommand/websocket.go, in 1.6, 1.7 and 2.x). Safe for use by
 * several threads.
 */
final class CriStream implements AutoCloseable {
    private static final String PROTOCOL = "v4.channel.k8s.io";
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final Duration ANSWER = Duration.ofSeconds(5);
    private static final int STDIN = 0;
    private static final int STDOUT = 1;
    private static final int STDERR = 2;
    private static final int STATUS = 3;
    private static final int RESIZE = 4;

    private final HttpClient client;
    private final Listener listener = new Listener();
    private final WebSocket socket;

    /** Connects to where {@code Exec} or {@code Attach} has sent us. */
    CriStream(String url) {
        client = HttpClient.newHttpClient();
        URI uri = URI.create(url.replaceFirst("^http", "ws"));
        socket = client.newWebSocketBuilder()
                .subprotocols(PROTOCOL)
                .connectTimeout(LIMIT)
                .buildAsync(uri, listener)
                .join();
    }

    /** Sends something to the process's standard input. */
    void write(String text) {
        send(STDIN, text);
    }

    /** Sets the size of the process's terminal. */
    void resize(int width, int height) {
        send(RESIZE, "{\"Width\": %d, \"Height\": %d}".formatted(width, height));
    }

    private void send(int channel, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        ByteBuffer message = ByteBuffer.allocate(bytes.length + 1)
                .put((byte) channel)
                .put(bytes)
                .flip();
        socket.sendBinary(message, true).join();
    }

    /**
     * Types a line, and waits for an answer in the standard output.
     *
     * <p>Again where there is none: of an attach containerd reads the input a moment before it passes the output on,
     * and what is said between the two is for the log alone (internal/cri/io/container_io.go, Attach).
     */
    void ask(String line, String answer) {
        Wait.until(LIMIT, "'" + answer + "' in the output", () -> {
            write(line + "\n");
            return Wait.within(ANSWER, () -> output().contains(answer));
        });
    }

    /** What has come of the standard output so far. */
    String output() {
        return listener.text(STDOUT);
    }

    /** What has come of the standard error so far. */
    String errors() {
        return listener.text(STDERR);
    }

    /** Waits for the end, and returns how it ended: a Status of the Kubernetes API, as JSON. */
    String status() {
        try {
            listener.end.get(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException("no end; so far: " + output() + errors(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
        return listener.text(STATUS);
    }

    /** Goes away, as a kubectl that is interrupted. */
    @Override
    public void close() {
        socket.abort();
        client.shutdownNow();
    }

    private static final class Listener implements WebSocket.Listener {
        final CompletableFuture<Void> end = new CompletableFuture<>();
        private final ByteArrayOutputStream[] channels = {
            new ByteArrayOutputStream(),
            new ByteArrayOutputStream(),
            new ByteArrayOutputStream(),
            new ByteArrayOutputStream(),
            new ByteArrayOutputStream()
        };
        private int channel = -1;

        @Override
        public @Nullable CompletionStage<?> onBinary(WebSocket socket, ByteBuffer data, boolean last) {
            byte[] bytes = new byte[data.remaining()];
            data.get(bytes);
            int from = 0;
            if (channel < 0 && bytes.length > 0) {
                channel = bytes[0];
                from = 1;
            }
            if (channel >= 0) {
                channels[channel].write(bytes, from, bytes.length - from);
            }
            if (last) {
                channel = -1;
            }
            socket.request(1);
            return null;
        }

        @Override
        public @Nullable CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
            end.complete(null);
            return null;
        }

        @Override
        public void onError(WebSocket socket, Throwable error) {
            end.complete(
                    null); // The server closes the connection without a word of good-bye; the status has come before.
        }

        String text(int number) {
            return channels[number].toString(StandardCharsets.UTF_8);
        }
    }
}
