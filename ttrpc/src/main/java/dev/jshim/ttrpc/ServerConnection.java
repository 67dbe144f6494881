package dev.jshim.ttrpc;

import io.grpc.Metadata;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import java.io.IOException;
import java.nio.channels.ByteChannel;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The server's side of one connection.
 *
 * <p>What it refuses, and in which words, is as in ttrpc server.go and services.go, v1.2.8.
 */
final class ServerConnection extends Connection {
    static final int MAX_CALLS = 16_384;

    /** So many processes may die over a call: then it is taken for what kills them. */
    static final int MAX_DEATHS = 8;

    static final Status NO_ROOM = Status.RESOURCE_EXHAUSTED.withDescription(
            "the clients of this server have all of the memory that is theirs");

    /** What a connection needs of its server. */
    interface Owner {
        Map<String, ServerServiceDefinition> services();

        Executor executor();

        boolean draining();

        /** Whether a call does nothing but wait, by the full name of its method. */
        boolean waits(String method);

        /**
         * Whether a call only reads what is at hand, by the full name of its method: it is answered in the reading
         * thread, and again by the next process if that has to.
         */
        boolean isQuick(String method);

        void callEnded();

        void connectionEnded(ServerConnection connection);
    }

    private final Owner owner;
    private final Map<Integer, ServerStream<?, ?>> streams = new ConcurrentHashMap<>(4);
    private final Budget budget;

    /** Only in the reading thread; unsigned. */
    private int lastId;

    /** What notes the calls of a connection that outlives this process; null for any other. */
    private final @Nullable NotedChannel noted;

    ServerConnection(ByteChannel channel, Owner owner) {
        this(channel, owner, Budget.ofProcess());
    }

    /** @param budget what the peer can take of the heap is taken from, but for {@link Budget#CONNECTION} itself */
    ServerConnection(ByteChannel channel, Owner owner, Budget budget) {
        super(channel, new byte[0], budget);
        this.owner = owner;
        this.budget = budget;
        noted = null;
    }

    /** A connection that another process may have begun to serve. */
    ServerConnection(NotedChannel channel, Owner owner, Budget budget) {
        super(channel, channel.before().partial(), budget);
        this.owner = owner;
        this.budget = budget;
        noted = channel;
    }

    Budget budget() {
        return budget;
    }

    int calls() {
        return streams.size();
    }

    /** Whether no running call does anything but wait. */
    boolean isQuiet() {
        return streams.values().stream().allMatch(stream -> owner.waits(stream.methodName()));
    }

    /** See {@link TtrpcServer#awaitRepeated}. */
    void awaitRepeated(ServerStream<?, ?> call, Duration limit) {
        long end = System.nanoTime() + limit.toNanos();
        try {
            while (streams.values().stream()
                            .anyMatch(other -> other.again && other != call && !owner.waits(other.methodName()))
                    && System.nanoTime() < end) {
                Thread.sleep(5);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Reads no more; the connection stays open. */
    void stopReading() {
        if (noted != null) {
            noted.socket().stopReading();
        }
    }

    /** Goes on with what a process before this one has left: its answers, then the calls that it did not answer. */
    @Override
    void begin() {
        if (noted == null) {
            return;
        }
        var before = noted.before();
        if (before.isLost()) {
            close(new IOException("a frame that is too long was cut by the death of the process that read it"));
            return;
        }
        before.answers().forEach(outbox::send);
        before.calls().forEach(call -> request(call.frame(), call.deaths()));
        lastId = before.lastId();
    }

    @Override
    void received(Frame frame) {
        int id = frame.streamId();
        if (frame.oversized()) {
            refuse(id, OversizeException.status(frame.length()));
        } else if (frame.dropped()) {
            refuse(id, NO_ROOM);
        } else if (id % 2 == 0) {
            refuse(id, Status.INVALID_ARGUMENT.withDescription("StreamID must be odd for client initiated streams"));
        } else {
            switch (frame.type()) {
                case Frame.REQUEST -> request(frame, 0);
                case Frame.DATA -> data(frame);
                case Frame.CANCEL -> cancel(id);
                default -> {
                    // For what later versions may bring.
                }
            }
        }
    }

    /** @param deaths how many processes have begun it before this one, and may have done what is asked */
    private void request(Frame frame, int deaths) {
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
        } else if (deaths >= MAX_DEATHS
                && !owner.waits(method.getMethodDescriptor().getFullMethodName())) {
            refuse(id, diedOver(deaths));
        } else if (owner.draining()) {
            refuse(id, Status.UNAVAILABLE.withDescription("ttrpc: server closed"));
        } else if (streams.size() >= MAX_CALLS) {
            refuse(id, Status.RESOURCE_EXHAUSTED.withDescription("too many calls at once on this connection"));
        } else if (frame.length() > Budget.SMALL ? budget.take(cost(frame)) : budget.takeLast(cost(frame))) {
            begin(frame, method, request, deaths > 0);
        } else {
            refuse(id, NO_ROOM);
        }
    }

    private static Status diedOver(int deaths) {
        return Status.UNAVAILABLE.withDescription("the server died " + deaths
                + " times during this call, and does not begin it again; look what has been done of it");
    }

    /** The frame, the message that is made of it, and what the handler makes of that. */
    private static long cost(Frame frame) {
        return Budget.CALL + 3 * frame.length();
    }

    private <Q, R> void begin(Frame frame, ServerMethodDefinition<Q, R> method, Request request, boolean again) {
        boolean isQuick = owner.isQuick(method.getMethodDescriptor().getFullMethodName());
        ServerStream<Q, R> stream = new ServerStream<>(
                this, frame.streamId(), method, request, cost(frame), again, isQuick, owner.executor());
        streams.put(stream.id, stream);
        if (again && noted != null && !owner.waits(stream.methodName())) {
            noted.beginning(stream.id);
        }
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
        respond(id, response, 0);
    }

    /** @param share what was taken of the budget for the answer, and is given back once that is written */
    void respond(int id, Response response, long share) {
        respond(id, response, share, true);
    }

    /** @param isNoted whether the next process is to send just this if this one dies now; else it answers itself */
    void respond(int id, Response response, long share, boolean isNoted) {
        byte[] frame;
        try {
            frame = response.frame(id);
        } catch (OversizeException e) {
            frame = tooLarge(id, e);
        }
        if (noted != null && isNoted) {
            noted.answering(frame);
        }
        outbox.send(frame, share);
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

    @Override
    public void written(byte[] frame) {
        if (noted != null && Frame.typeOf(frame) == Frame.RESPONSE) {
            noted.sent(Frame.streamIdOf(frame));
        }
    }

    /** Waits for a peer that reads slowly; not in a platform thread, which may have others to serve. */
    void awaitReady(BooleanSupplier givenUp) {
        if (Thread.currentThread().isVirtual()) {
            outbox.awaitReady(givenUp);
        }
    }

    void ended(ServerStream<?, ?> stream) {
        if (streams.remove(stream.id, stream)) {
            budget.give(stream.release());
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
