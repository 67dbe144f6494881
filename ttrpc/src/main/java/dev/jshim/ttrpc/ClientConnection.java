package dev.jshim.ttrpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.Metadata;
import io.grpc.Status;
import java.nio.channels.ByteChannel;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The client's side of one connection. */
final class ClientConnection extends Connection {
    static final Status CLOSED = Status.UNAVAILABLE.withDescription("ttrpc: closed");

    final CompletableFuture<@Nullable Void> closed = new CompletableFuture<>();

    private final Map<Integer, ClientStream<?, ?>> streams = new ConcurrentHashMap<>(4);
    private final Object order = new Object();

    /** Unsigned and odd; when it has gone round, the connection is used up. */
    @GuardedBy("order")
    private int nextId = 1;

    ClientConnection(ByteChannel channel) {
        super(channel);
    }

    /** Sends a request under the next id: ids must go out in ascending order. False when the connection has ended. */
    boolean begin(ClientStream<?, ?> stream, byte[] frame) {
        synchronized (order) {
            int id = nextId;
            if (isClosed() || id == -1) {
                return false;
            }
            // Before the stream knows its id: from then on it may end, and takes itself out again.
            streams.put(id, stream);
            if (!stream.sentAs(id)) {
                streams.remove(id);
                return true;
            }
            nextId += 2;
            Frame.putStreamId(frame, id);
            boolean sent = outbox.send(frame);
            if (!sent) {
                streams.remove(id);
            }
            return sent;
        }
    }

    /** Informs a server that knows of it; never before the request. */
    void cancel(int id) {
        synchronized (order) {
            outbox.send(Frame.empty(id, Frame.CANCEL, (byte) 0));
        }
    }

    void ended(int id, ClientStream<?, ?> stream) {
        streams.remove(id, stream);
        outbox.wake();
    }

    @Override
    void received(Frame frame) {
        ClientStream<?, ?> stream = streams.get(frame.streamId());
        // Without one, the answer comes too late: the call was cancelled or its deadline has passed.
        if (stream != null) {
            stream.received(frame);
        }
    }

    @Override
    public void readyAgain() {
        streams.values().forEach(ClientStream::readyAgain);
    }

    @Override
    void ended(@Nullable Throwable cause) {
        Status status = CLOSED.withCause(cause);
        streams.values().forEach(stream -> stream.finish(status, new Metadata()));
        closed.complete(null);
    }
}
