package dev.jshim.ttrpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One call that we make. Its listener is called in order, on the executor of the call. */
final class ClientStream<Q, R> extends ClientCall<Q, R> {
    private static final int NOT_SENT = 0;

    private final ClientConnection connection;
    private final MethodDescriptor<Q, R> method;
    private final @Nullable Deadline deadline;
    private final Context context = Context.current();
    private final Context.CancellationListener contextListener =
            ended -> cancel("context cancelled", ended.cancellationCause());
    private final SerialExecutor serial;
    private final Inbox inbox = new Inbox();

    /** Only in {@link #serial}, once the call was started. */
    private ClientCall.@Nullable Listener<R> listener;

    private List<Request.KeyValue> metadata = List.of();
    private @Nullable Payload message;
    private @Nullable Future<?> timer;

    @GuardedBy("this")
    private int id = NOT_SENT;

    @GuardedBy("this")
    private @Nullable Status end;

    @GuardedBy("this")
    private Metadata trailers = new Metadata();

    ClientStream(ClientConnection connection, MethodDescriptor<Q, R> method, CallOptions options, Executor fallback) {
        this.connection = connection;
        this.method = method;
        Deadline ours = options.getDeadline();
        Deadline outer = context.getDeadline();
        this.deadline = ours == null || outer == null ? (ours == null ? outer : ours) : ours.minimum(outer);
        Executor executor = options.getExecutor();
        this.serial = new SerialExecutor(executor == null ? fallback : executor);
    }

    @Override
    public void start(Listener<R> responseListener, Metadata headers) {
        if (listener != null) {
            throw new IllegalStateException("already started");
        }
        listener = responseListener;
        metadata = Request.metadata(headers);
        if (deadline != null) {
            long left = deadline.timeRemaining(TimeUnit.NANOSECONDS);
            if (left <= 0) {
                expired();
                return;
            }
            timer = Timer.shared().schedule(this::expired, left, TimeUnit.NANOSECONDS);
        }
        context.addListener(contextListener, Runnable::run);
        if (!method.getType().clientSendsOneMessage()) {
            sendRequest(null, Frame.REMOTE_OPEN);
            serial.execute(responseListener::onReady);
        }
    }

    @Override
    public void request(int numMessages) {
        inbox.request(numMessages);
        serial.execute(this::pump);
    }

    @Override
    public void sendMessage(Q next) {
        if (hasEnded()) {
            return;
        }
        try {
            Payload payload = Payload.drain(method.streamRequest(next));
            if (method.getType().clientSendsOneMessage()) {
                message = payload;
                return;
            }
            connection.outbox.awaitReady(this::hasEnded);
            connection.outbox.send(Frame.of(sentId(), Frame.DATA, (byte) 0, payload));
        } catch (OversizeException e) {
            abort(Status.RESOURCE_EXHAUSTED.withDescription(e.getMessage()).withCause(e));
        } catch (IOException e) {
            abort(Status.INTERNAL.withDescription("cannot marshal the request").withCause(e));
        }
    }

    @Override
    public void halfClose() {
        if (hasEnded()) {
            return;
        }
        MethodDescriptor.MethodType type = method.getType();
        if (!type.clientSendsOneMessage()) {
            byte flags = Frame.REMOTE_CLOSED | Frame.NO_DATA;
            connection.outbox.send(Frame.empty(sentId(), Frame.DATA, flags));
        } else {
            sendRequest(message, type.serverSendsOneMessage() ? 0 : Frame.REMOTE_CLOSED);
            message = null;
        }
    }

    private void sendRequest(@Nullable Payload payload, byte flags) {
        connection.outbox.awaitReady(this::hasEnded);
        long timeout = deadline == null ? 0 : Math.max(1, deadline.timeRemaining(TimeUnit.NANOSECONDS));
        String service = method.getServiceName() == null ? "" : method.getServiceName();
        String name = method.getBareMethodName() == null ? "" : method.getBareMethodName();
        try {
            byte[] frame = new Request(service, name, payload, timeout, metadata).frame(0, flags);
            if (!connection.begin(this, frame)) {
                abort(ClientConnection.CLOSED);
            }
        } catch (OversizeException e) {
            abort(Status.RESOURCE_EXHAUSTED.withDescription(e.getMessage()).withCause(e));
        }
    }

    /** Called with the id under which the request goes out next; false when the call has ended before. */
    synchronized boolean sentAs(int streamId) {
        if (end != null) {
            return false;
        }
        id = streamId;
        return true;
    }

    private synchronized int sentId() {
        return id;
    }

    private synchronized boolean hasEnded() {
        return end != null;
    }

    @Override
    public void cancel(@Nullable String reason, @Nullable Throwable cause) {
        abort(Status.CANCELLED
                .withDescription(reason == null ? "cancelled" : reason)
                .withCause(cause));
    }

    private void expired() {
        // The server has the same deadline, so it needs no message.
        if (finish(Status.DEADLINE_EXCEEDED.withDescription("context deadline exceeded"), new Metadata())) {
            inbox.clear();
        }
    }

    private void abort(Status status) {
        if (finish(status, new Metadata())) {
            inbox.clear();
            int sent = sentId();
            if (sent != NOT_SENT) {
                connection.cancel(sent);
            }
        }
    }

    /** In the connection's reading thread. */
    void received(Frame frame) {
        if (frame.oversized()) {
            finish(OversizeException.status(frame.length()), new Metadata());
            return;
        }
        switch (frame.type()) {
            case Frame.RESPONSE -> response(frame.data());
            case Frame.DATA -> data(frame);
            default -> {
                // For what later versions may bring.
            }
        }
    }

    private void response(Payload data) {
        Response response;
        try {
            response = Response.decode(data);
        } catch (IOException e) {
            finish(Status.INTERNAL.withDescription("unreadable response").withCause(e), new Metadata());
            return;
        }
        StatusMessage status = response.status();
        if (status != null && status.code() != 0) {
            finish(status.status(), status.trailers());
            return;
        }
        if (method.getType().serverSendsOneMessage() || response.payload().length > 0) {
            inbox.offer(response.payload());
        }
        finish(Status.OK, new Metadata());
    }

    private void data(Frame frame) {
        if (method.getType().serverSendsOneMessage()) {
            abort(Status.INTERNAL.withDescription("received data from non-streaming server: protocol error"));
        } else if (!frame.has(Frame.NO_DATA) && !inbox.offer(frame.data())) {
            abort(Status.RESOURCE_EXHAUSTED.withDescription("ttrpc: stream buffer full"));
        } else if (frame.has(Frame.REMOTE_CLOSED)) {
            finish(Status.OK, new Metadata());
        } else {
            serial.execute(this::pump);
        }
    }

    /** False when the call had ended. */
    boolean finish(Status status, Metadata last) {
        synchronized (this) {
            if (end != null) {
                return false;
            }
            end = status;
            trailers = last;
        }
        inbox.end();
        Future<?> running = timer;
        if (running != null) {
            running.cancel(false);
        }
        context.removeListener(contextListener);
        connection.ended(sentId(), this);
        serial.execute(this::pump);
        return true;
    }

    void readyAgain() {
        serial.execute(() -> {
            if (listener != null && !hasEnded()) {
                listener.onReady();
            }
        });
    }

    private void pump() {
        ClientCall.Listener<R> told = listener;
        if (told == null) {
            return;
        }
        try {
            for (Payload next = inbox.poll(); next != null; next = inbox.poll()) {
                told.onMessage(method.parseResponse(next.stream()));
            }
        } catch (Throwable t) {
            inbox.clear();
            unread(t);
        }
        if (inbox.takeEnd()) {
            tellEnd(told);
        }
    }

    /** A message that cannot be parsed or a listener that throws ends the call with that error. */
    private void unread(Throwable t) {
        Status status = Status.fromThrowable(t);
        abort(status);
        synchronized (this) {
            end = status;
        }
    }

    private void tellEnd(ClientCall.Listener<R> told) {
        Status status;
        Metadata last;
        synchronized (this) {
            status = end == null ? Status.UNKNOWN : end;
            last = trailers;
        }
        told.onClose(status, last);
    }

    @Override
    public boolean isReady() {
        return !hasEnded() && connection.outbox.isReady();
    }
}
