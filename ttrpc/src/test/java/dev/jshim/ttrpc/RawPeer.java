package dev.jshim.ttrpc;

import io.grpc.Metadata;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Speaks bytes to a server, as it likes. */
final class RawPeer implements AutoCloseable {
    final SocketChannel channel;
    private final FrameReader reader;

    RawPeer(SocketChannel channel) {
        this.channel = channel;
        this.reader = new FrameReader(channel);
    }

    void write(byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }

    void request(int id, String service, String method, byte[] payload, long timeoutNanos) throws IOException {
        write(new Request(service, method, Payload.of(payload), timeoutNanos, List.of()).frame(id, (byte) 0));
    }

    /** Null at the end of the connection. */
    @Nullable
    Frame read() throws InterruptedException, ExecutionException, TimeoutException {
        CompletableFuture<@Nullable Frame> frame = new CompletableFuture<>();
        Thread.ofVirtual().start(() -> {
            try {
                frame.complete(reader.next());
            } catch (IOException e) {
                frame.completeExceptionally(e);
            }
        });
        return frame.get(10, TimeUnit.SECONDS);
    }

    Response response(int id) throws Exception {
        Frame frame = read();
        if (frame == null || frame.streamId() != id || frame.type() != Frame.RESPONSE) {
            throw new AssertionError("no response to " + id + " but " + frame);
        }
        return Response.decode(frame.data());
    }

    StatusMessage error(int id) throws Exception {
        StatusMessage status = response(id).status();
        return status == null ? StatusMessage.of(io.grpc.Status.OK, new Metadata()) : status;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
