package dev.jshim.ttrpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.Metadata;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import java.io.IOException;
import java.nio.channels.ByteChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The server's side of one connection.
 *
 * <p>What it refuses, and in which words, is as in ttrpc server.go and services.go, v1.2.8.
 */
final class ServerConnection extends Connection {
    static final int MAX_CALLS = 16_384;
    /** Of the requests of running calls. */
    private static final long MAX_BYTES =
            Math.max(2L * Frame.MAX_LENGTH, Runtime.getRuntime().maxMemory() / 4);

    /** What a connection needs of its server. */
    interface Owner {
        Map<String, ServerServiceDefinition> services();

        Executor executor();

        boolean draining();

        void callEnded();

        void connectionEnded(ServerConnection connection);
    }

    private final Owner owner;
    private final Map<Integer, ServerStream<?, ?>> streams = new ConcurrentHashMap<>(4);
    private final AtomicLong bytes = new AtomicLong();

    private final Object reading = new Object();

    /** What {@link #stopReading} makes the reading thread leave behind. */
    @GuardedBy("reading")
    private CompletableFuture<byte[]> stopped = new CompletableFuture<>();

    /** Whether nobody shall read: by the time that the reading thread has left, it may be wanted again. */
    @GuardedBy("reading")
    private boolean stopping;

    /** Only in the reading thread; unsigned. */
    private int lastId;

    ServerConnection(ByteChannel channel, Owner owner) {
        this(channel, owner, new byte[0]);
    }

    /** A connection that another server had begun to serve. */
    ServerConnection(ByteChannel channel, Owner owner, byte[] unread) {
        super(channel, unread);
        this.owner = owner;
    }

    int calls() {
        return streams.size();
    }

    @Override
    void stopped(byte[] unread) {
        synchronized (reading) {
            if (stopping) {
                stopped.complete(unread);
                return;
            }
        }
        resume(unread);
    }

    /** Reads no more. Completes with what was read and not used. */
    CompletableFuture<byte[]> stopReading(MovableChannel channel) {
        synchronized (reading) {
            stopping = true;
            channel.stopReading();
            return stopped;
        }
    }

    /** Reads on after {@link #stopReading}. */
    void resumeReading(MovableChannel channel) {
        byte[] unread;
        synchronized (reading) {
            stopping = false;
            channel.resumeReading();
            unread = stopped.getNow(null);
            if (unread == null) {
                // The reading thread goes on, or sees on its way out that it is to.
                return;
            }
            stopped = new CompletableFuture<>();
        }
        resume(unread);
    }

    /** Whether all running calls can be made again elsewhere. */
    boolean isMovable(Predicate<String> methods) {
        return streams.values().stream().allMatch(stream -> stream.frame != null && methods.test(stream.methodName()));
    }

    /** Ends the running calls without a word and answers their requests, in the order in which they came. */
    List<Frame> takeCalls() {
        List<Frame> taken = new ArrayList<>();
        Status moved = Status.CANCELLED.withDescription("served elsewhere from now on");
        for (ServerStream<?, ?> stream : streams.values()) {
            Frame request = stream.frame;
            if (stream.abort(moved, null, false) && request != null) {
                taken.add(request);
            }
        }
        taken.sort((a, b) -> Integer.compareUnsigned(a.streamId(), b.streamId()));
        return taken;
    }

    @Override
    void received(Frame frame) {
        int id = frame.streamId();
        if (frame.oversized()) {
            refuse(id, OversizeException.status(frame.length()));
        } else if (id % 2 == 0) {
            refuse(id, Status.INVALID_ARGUMENT.withDescription("StreamID must be odd for client initiated streams"));
        } else {
            switch (frame.type()) {
                case Frame.REQUEST -> request(frame);
                case Frame.DATA -> data(frame);
                case Frame.CANCEL -> cancel(id);
                default -> {
                    // For what later versions may bring.
                }
            }
        }
    }

    private void request(Frame frame) {
        int id = frame.streamId();
        if (Integer.compareUnsigned(id, lastId) <= 0) {
            refuse(id, Status.INVALID_ARGUMENT.withDescription("StreamID cannot be re-used and must increment"));
            return;
        }
        lastId = id;
        Request request;
        try {
            request = Request.decode(frame.data());
        } catch (IOException e) {
            refuse(id, Status.INVALID_ARGUMENT.withDescription("unmarshal request error: " + e.getMessage()));
            return;
        }
        ServerServiceDefinition service = owner.services().get(request.service());
        if (service == null) {
            refuse(id, Status.UNIMPLEMENTED.withDescription("service " + request.service()));
            return;
        }
        ServerMethodDefinition<?, ?> method = service.getMethod(request.service() + "/" + request.method());
        if (method == null) {
            refuse(id, Status.UNIMPLEMENTED.withDescription("method " + request.method()));
        } else if (owner.draining()) {
            refuse(id, Status.UNAVAILABLE.withDescription("ttrpc: server closed"));
        } else if (streams.size() >= MAX_CALLS || bytes.get() + frame.length() > MAX_BYTES) {
            refuse(id, Status.RESOURCE_EXHAUSTED.withDescription("too many calls at once on this connection"));
        } else {
            begin(frame, method, request);
        }
    }

    private <Q, R> void begin(Frame frame, ServerMethodDefinition<Q, R> method, Request request) {
        ServerStream<Q, R> stream =
                new ServerStream<>(this, frame.streamId(), method, request, frame, owner.executor());
        streams.put(stream.id, stream);
        bytes.addAndGet(stream.size);
        stream.start(request, frame.has(Frame.REMOTE_CLOSED));
        if (isClosed()) {
            stream.abort(Status.CANCELLED.withDescription("connection closed"), null, false);
        }
    }

    private void data(Frame frame) {
        ServerStream<?, ?> stream = streams.get(frame.streamId());
        if (stream == null) {
            refuse(frame.streamId(), Status.INVALID_ARGUMENT.withDescription("StreamID is no longer active"));
        } else if (stream.unary()) {
            refuse(
                    frame.streamId(),
                    Status.INVALID_ARGUMENT.withDescription("a data message is not allowed on a unary stream"));
        } else if (!frame.has(Frame.NO_DATA) && !stream.received(frame.data())) {
            refuse(frame.streamId(), Status.RESOURCE_EXHAUSTED.withDescription("ttrpc: stream buffer full"));
        } else if (frame.has(Frame.REMOTE_CLOSED)) {
            stream.remoteClosed();
        }
    }

    private void cancel(int id) {
        ServerStream<?, ?> stream = streams.get(id);
        if (stream != null) {
            stream.abort(Status.CANCELLED.withDescription("cancelled by the client"), null, false);
        }
    }

    /** Answers with an error; a call that runs under this id is ended by it. */
    private void refuse(int id, Status status) {
        ServerStream<?, ?> stream = streams.get(id);
        if (stream == null) {
            // Who sends nonsense without reading the answers is not read from either.
            awaitReady(this::isClosed);
            respond(id, Response.error(status, new Metadata()));
        } else {
            stream.abort(status, null, true);
        }
    }

    void respond(int id, Response response) {
        byte[] frame;
        try {
            frame = response.frame(id);
        } catch (OversizeException e) {
            frame = tooLarge(id, e);
        }
        send(frame);
    }

    private static byte[] tooLarge(int id, OversizeException cause) {
        Status status = Status.RESOURCE_EXHAUSTED.withDescription(cause.getMessage());
        try {
            return Response.error(status, new Metadata()).frame(id);
        } catch (OversizeException e) {
            throw new AssertionError(e);
        }
    }

    void send(byte[] frame) {
        outbox.send(frame);
    }

    /** Waits for a peer that reads slowly; not in a platform thread, which may have others to serve. */
    void awaitReady(BooleanSupplier givenUp) {
        if (Thread.currentThread().isVirtual()) {
            outbox.awaitReady(givenUp);
        }
    }

    void ended(ServerStream<?, ?> stream) {
        if (streams.remove(stream.id, stream)) {
            bytes.addAndGet(-stream.size);
            outbox.wake();
            owner.callEnded();
        }
    }

    @Override
    public void readyAgain() {
        streams.values().forEach(ServerStream::readyAgain);
    }

    @Override
    void ended(@Nullable Throwable cause) {
        Status status = Status.CANCELLED.withDescription("connection closed").withCause(cause);
        streams.values().forEach(stream -> stream.abort(status, null, false));
        owner.connectionEnded(this);
    }
}
