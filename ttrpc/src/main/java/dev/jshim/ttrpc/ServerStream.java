package dev.jshim.ttrpc;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerMethodDefinition;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** One call that a peer made. Its handler runs in order, on the server's executor; while it waits it has no thread. */
final class ServerStream<Q, R> extends ServerCall<Q, R> {
    /** Set in the context of a call that a process before this one had begun. */
    static final Context.Key<Boolean> REPEATED = Context.key("jshim.repeated");

    /** Set in the context of each call. */
    static final Context.Key<ServerStream<?, ?>> CALL = Context.key("jshim.call");

    /** Leaves {@link #OPEN} once. */
    private enum State {
        OPEN,
        ANSWERED,
        CANCELLED
    }

    final int id;

    /** Whether a process before this one had begun it. */
    final boolean again;

    private final ServerConnection connection;
    private final ServerMethodDefinition<Q, R> method;
    private final boolean isQuick;
    private final Executor executor;
    private final SerialExecutor serial;
    private final Inbox inbox = new Inbox();
    private final Metadata headers;
    private final Context.CancellableContext context;
    private final AtomicReference<State> state = new AtomicReference<>(State.OPEN);

    /** Only in {@link #serial}. */
    private ServerCall.@Nullable Listener<Q> listener;

    private @Nullable Payload answer;

    /** What the call has of the budget; -1 once that was given back. */
    private final AtomicLong cost;

    ServerStream(
            ServerConnection connection,
            int id,
            ServerMethodDefinition<Q, R> method,
            Request request,
            long cost,
            boolean again,
            boolean isQuick,
            Executor executor) {
        this.connection = connection;
        this.id = id;
        this.method = method;
        this.cost = new AtomicLong(cost);
        this.executor = executor;
        this.isQuick = isQuick;
        this.serial = new SerialExecutor(isQuick ? Runnable::run : executor);
        this.headers = request.headers();
        this.again = again;
        Context outer = again ? Context.ROOT.withValue(REPEATED, true) : Context.ROOT;
        Context root = outer.withValue(CALL, this);
        this.context = isQuick || request.timeoutNanos() == 0
                ? root.withCancellation()
                : root.withDeadline(Deadline.after(request.timeoutNanos(), TimeUnit.NANOSECONDS), Timer.shared());
    }

    private MethodDescriptor.MethodType type() {
        return method.getMethodDescriptor().getType();
    }

    /** What is to be given back to the budget, once. */
    long release() {
        return Math.max(0, cost.getAndSet(-1));
    }

    /** Gives the budget's part for the answer away. */
    private long handOver(long share) {
        long now = cost.get();
        while (now >= 0 && !cost.compareAndSet(now, now - share)) {
            now = cost.get();
        }
        return now < 0 ? 0 : share;
    }

    private boolean grow(long more) {
        Budget budget = connection.budget();
        if (more > Budget.MODERATE ? !budget.take(more) : !budget.takeLast(more)) {
            return false;
        }
        long now = cost.get();
        while (now >= 0 && !cost.compareAndSet(now, now + more)) {
            now = cost.get();
        }
        if (now < 0) {
            budget.give(more); // It has ended, and its answer is dropped.
        }
        return true;
    }

    boolean unary() {
        return type().clientSendsOneMessage() && type().serverSendsOneMessage();
    }

    void start(Request request, boolean remoteClosed) {
        boolean one = type().clientSendsOneMessage();
        if (one || request.payload() != null) {
            inbox.offer(request.payload() == null ? Payload.EMPTY : request.payload());
        }
        if (one || remoteClosed) {
            inbox.end();
        }
        context.addListener(ended -> contextEnded(ended.cancellationCause()), Runnable::run);
        inContext(() -> {
            if (state.get() == State.OPEN) {
                listener = method.getServerCallHandler().startCall(this, headers);
                if (!type().serverSendsOneMessage()) {
                    listener.onReady();
                }
                pump();
            }
        });
    }

    /** A message of the peer; false when it sent more than can be held. */
    boolean received(Payload message) {
        boolean fits = inbox.offer(message);
        inContext(this::pump);
        return fits;
    }

    void remoteClosed() {
        inbox.end();
        inContext(this::pump);
    }

    void readyAgain() {
        inContext(() -> {
            if (listener != null && state.get() == State.OPEN) {
                listener.onReady();
            }
        });
    }

    private void pump() {
        if (listener == null) {
            return;
        }
        while (state.get() == State.OPEN) {
            Payload message = inbox.poll();
            if (message == null) {
                break;
            }
            listener.onMessage(method.getMethodDescriptor().parseRequest(message.stream()));
        }
        if (state.get() == State.OPEN && inbox.takeEnd()) {
            listener.onHalfClose();
        }
    }

    private void inContext(Runnable body) {
        serial.execute(() -> {
            Context before = context.attach();
            try {
                body.run();
            } catch (Throwable t) {
                failed(t);
            } finally {
                context.detach(before);
            }
        });
    }

    /** A status that was thrown is the answer, as an error that a Go handler returns; anything else is a bug. */
    private void failed(Throwable t) {
        switch (t) {
            case StatusRuntimeException e -> abort(e.getStatus(), e.getTrailers(), true);
            case StatusException e -> abort(e.getStatus(), e.getTrailers(), true);
            default -> {
                Log.warn(method.getMethodDescriptor().getFullMethodName() + " failed", t);
                abort(
                        Status.UNKNOWN
                                .withDescription("Application error processing RPC")
                                .withCause(t),
                        null,
                        true);
            }
        }
    }

    private void contextEnded(@Nullable Throwable cause) {
        if (cause instanceof TimeoutException) {
            abort(Status.DEADLINE_EXCEEDED.withDescription("context deadline exceeded"), null, true);
        }
    }

    ServerConnection connection() {
        return connection;
    }

    String methodName() {
        return method.getMethodDescriptor().getFullMethodName();
    }

    /**
     * Ends the call before its handler has: the handler's context is cancelled and its cancel handler called.
     *
     * @return false when it had ended already
     */
    @CanIgnoreReturnValue
    boolean abort(Status status, @Nullable Metadata trailers, boolean tellPeer) {
        if (!state.compareAndSet(State.OPEN, State.CANCELLED)) {
            return false;
        }
        inbox.clear();
        if (tellPeer) {
            connection.respond(id, Response.error(status, trailers == null ? new Metadata() : trailers));
        }
        connection.ended(this);
        Runnable cancel = () -> context.cancel(status.asRuntimeException());
        try {
            // Not in the serial executor, where the handler may be waiting for just this, and not here: others listen.
            executor.execute(cancel);
        } catch (RejectedExecutionException | OutOfMemoryError shutDownOrExhausted) {
            Threads.start(Threads.CALLS, cancel);
        }
        inContext(() -> {
            if (listener != null) {
                listener.onCancel();
            }
        });
        return true;
    }

    @Override
    public void request(int numMessages) {
        inbox.request(numMessages);
        inContext(this::pump);
    }

    /** ttrpc has no place for them. */
    @Override
    public void sendHeaders(Metadata ignored) {}

    @Override
    public void sendMessage(R message) {
        if (state.get() == State.CANCELLED) {
            return;
        }
        if (state.get() == State.ANSWERED) {
            throw new IllegalStateException("call is closed");
        }
        try {
            Payload payload = Payload.drain(method.getMethodDescriptor().streamResponse(message));
            if (type().serverSendsOneMessage()) {
                if (answer != null) {
                    throw Status.INTERNAL.withDescription("Too many responses").asRuntimeException();
                }
                if (payload.length > Budget.SMALL && !grow(payload.length)) {
                    throw ServerConnection.NO_ROOM.asRuntimeException();
                }
                answer = payload;
            } else {
                connection.awaitReady(() -> state.get() != State.OPEN);
                connection.send(Frame.of(id, Frame.DATA, (byte) 0, payload));
            }
        } catch (OversizeException e) {
            throw Status.RESOURCE_EXHAUSTED
                    .withDescription(e.getMessage())
                    .withCause(e)
                    .asRuntimeException();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close(Status status, Metadata trailers) {
        if (!state.compareAndSet(State.OPEN, State.ANSWERED)) {
            if (state.get() == State.ANSWERED) {
                throw new IllegalStateException("call already closed");
            }
            return;
        }
        inbox.clear();
        if (!status.isOk()) {
            connection.respond(id, Response.error(status, trailers));
        } else if (!type().serverSendsOneMessage()) {
            connection.send(Frame.empty(id, Frame.DATA, (byte) (Frame.REMOTE_CLOSED | Frame.NO_DATA)));
        } else if (answer == null) {
            connection.respond(
                    id, Response.error(Status.INTERNAL.withDescription("Completed without a response"), trailers));
        } else {
            connection.awaitReady(connection::isClosed);
            long share = answer.length > Budget.SMALL ? handOver(answer.length) : 0;
            connection.respond(id, Response.ok(answer), share, !isQuick);
        }
        connection.ended(this);
        inContext(() -> {
            if (listener != null) {
                listener.onComplete();
            }
            context.cancel(null);
        });
    }

    @Override
    public boolean isReady() {
        return state.get() == State.OPEN && connection.outbox.isReady();
    }

    @Override
    public boolean isCancelled() {
        return state.get() == State.CANCELLED;
    }

    @Override
    public MethodDescriptor<Q, R> getMethodDescriptor() {
        return method.getMethodDescriptor();
    }
}
