package dev.jshim.bridge.v1;

import com.google.protobuf.Empty;
import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.node.socket.ShimConnection;
import dev.jshim.proto.v1.shim.ShimGrpc;
import dev.jshim.shim.keeper.FaultPoint;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimSocket;
import dev.jshim.task.Statuses;
import dev.jshim.task.client.AsyncAnswer;
import dev.jshim.task.client.V1Calls;
import dev.jshim.ttrpc.TtrpcChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The way to one v1 shim. Connects at the first call and again after the connection was lost. Thread-safe; calls of
 * several threads share the connection.
 */
public final class ShimLink implements AutoCloseable {
    /** Opens a connection for one call that changes something; null if that is to go over the common one. */
    @FunctionalInterface
    public interface CallDialer {
        @Nullable
        TtrpcChannel dial() throws IOException;
    }

    /** Somebody who listens takes a connection at once; past this he has stopped. */
    private static final Duration CONNECT = Duration.ofSeconds(2);

    /**
     * For what containerd asks of each task, one after the other, and gives 2 s (State) or 5 s (all of a load) itself:
     * one that loads takes a bundle for dead whose answer comes later, and deletes it.
     */
    public static final Duration GLANCE = Duration.ofMillis(1500);

    /** For what the shim answers out of its memory. */
    public static final Duration QUICK = Duration.ofSeconds(5);
    /**
     * For what waits for the shim's lock. It holds that for the 30 s in which it waits for the reader of an exec's
     * output, where the exec's client went while it was being started and another process ends meanwhile (containerd
     * v1.6.20, runtime/v1/shim/service.go checkProcesses, pkg/process/exec.go start).
     */
    public static final Duration LOCKED = Duration.ofSeconds(40);
    /** For what makes the shim run the OCI binary. */
    public static final Duration SLOW = Duration.ofSeconds(60);
    /** A checkpoint writes the memory of the container. */
    public static final Duration VERY_SLOW = Duration.ofMinutes(30);

    /** For one that was silent a moment ago. */
    private static final Duration AGAIN = Duration.ofMillis(200);
    /** The same before a call that changes something: that it was starved of cpu time for a moment must not fail it. */
    private static final Duration ONCE_MORE = Duration.ofSeconds(2);

    private final String name;
    private final ShimSocket address;
    private final Duration glance;
    private final CallDialer own;
    private final Object lock = new Object();
    private @Nullable TtrpcChannel line;
    private boolean closed;
    private volatile Runnable lost = () -> {};
    private volatile boolean mute;

    /** A link to the v1 shim of an adopted container. */
    public static ShimLink to(AdoptedRecord record) {
        return to(record, () -> null);
    }

    /**
     * The same, for a bridge whose keeper holds the connection of each call that changes something, from its begin to
     * its end: should the bridge die meanwhile, the shim goes on with it.
     *
     * @param own opens such a connection
     */
    public static ShimLink to(AdoptedRecord record, CallDialer own) {
        return new ShimLink(record.key(), ShimSocket.parse(record.socket()), GLANCE, own);
    }

    /**
     * A link to the shim of a container; the name is for messages.
     *
     * @param glance how long whoever asks for init waits
     */
    public ShimLink(String name, ShimSocket address, Duration glance, CallDialer own) {
        this.name = name;
        this.address = address;
        this.glance = glance;
        this.own = own;
    }

    /** Whether it did not answer when it was read from last: the next ones wait for it only shortly until it does. */
    public boolean isMute() {
        return mute;
    }

    /** What to run whenever the connection was lost, in a thread that must not be held. */
    public void onLost(Runnable action) {
        lost = action;
    }

    /**
     * Calls for what is read out of the shim's memory: such wait for {@link #QUICK}, shortly while the shim is mute.
     */
    public V1Calls quick() {
        return new Calls(this, QUICK, false);
    }

    /**
     * Calls for who waits but shortly himself: for init a containerd that loads, which would take a mute shim's
     * container for dead, and for an exec a client, who would get an error.
     *
     * @param execId "" for init
     */
    public V1Calls of(String execId) {
        return execId.isEmpty() ? new Calls(this, glance, false) : patient(GLANCE);
    }

    /** Calls for what waits that long whether the shim was mute before or not. */
    public V1Calls patient(Duration patience) {
        return new Calls(this, patience, true);
    }

    /**
     * Calls to the shim.
     *
     * @param patience for what only reads
     * @param isPatient whether that is waited for if the shim is mute, too
     */
    private record Calls(ShimLink link, Duration patience, boolean isPatient) implements V1Calls {
        @Override
        public <R> R call(Work work, Function<ShimGrpc.ShimBlockingStub, R> rpc) {
            return switch (work) {
                case READ -> isPatient ? link.readPatiently(patience, rpc) : link.read(patience, rpc);
                case CHANGE -> link.change(LOCKED, rpc);
                case RUNTIME -> link.change(SLOW, rpc);
                case CHECKPOINT -> link.change(VERY_SLOW, rpc);
            };
        }

        @Override
        public <R> void begin(
                BiConsumer<ShimGrpc.ShimStub, StreamObserver<R>> rpc,
                BiConsumer<@Nullable R, @Nullable ShimException> done) {
            link.begin(rpc, done);
        }

        /** Before it was adopted the shim was asked for the pids of its container and of itself. */
        @Override
        public boolean isVerified() {
            return true;
        }

        @Override
        public void close() {
            link.close();
        }
    }

    private <R> R change(Duration deadline, Function<ShimGrpc.ShimBlockingStub, R> rpc) {
        if (mute) {
            // Whoever waits a minute for a shim that was silent a moment ago waits in vain, and with a lock held.
            var _ = readPatiently(ONCE_MORE, shim -> shim.shimInfo(Empty.getDefaultInstance()));
            mute = false;
        }
        FaultPoint.at("call-begun");
        var answer = askToChange(deadline, rpc);
        FaultPoint.at("call-done");
        return answer;
    }

    /** Over a connection of the call's own, if that is to outlive this process, else over the common one. */
    private <R> R askToChange(Duration deadline, Function<ShimGrpc.ShimBlockingStub, R> rpc) {
        TtrpcChannel opened;
        try {
            opened = own.dial();
        } catch (IOException e) {
            throw noConnection(e);
        }
        if (opened == null) {
            return ask(deadline, rpc);
        }
        try (opened) {
            return ask(opened, deadline, rpc);
        }
    }

    private <R> R ask(Duration deadline, Function<ShimGrpc.ShimBlockingStub, R> rpc) {
        return ask(line(), deadline, rpc);
    }

    private <R> R ask(TtrpcChannel used, Duration deadline, Function<ShimGrpc.ShimBlockingStub, R> rpc) {
        var stub = ShimGrpc.newBlockingStub(used).withDeadlineAfter(deadline.toNanos(), TimeUnit.NANOSECONDS);
        try {
            return rpc.apply(stub);
        } catch (StatusRuntimeException e) {
            throw failure(used, e.getStatus(), deadline);
        }
    }

    private <R> R read(Duration deadline, Function<ShimGrpc.ShimBlockingStub, R> rpc) {
        try {
            var answer = readPatiently(mute ? AGAIN : deadline, rpc);
            mute = false;
            return answer;
        } catch (ShimException e) {
            mute = e.kind() == ShimException.Kind.DEADLINE_EXCEEDED;
            throw e;
        }
    }

    /** A connection that turns out to be stale is made again once: only for what changes nothing. */
    private <R> R readPatiently(Duration deadline, Function<ShimGrpc.ShimBlockingStub, R> rpc) {
        try {
            return ask(deadline, rpc);
        } catch (ShimException e) {
            if (e.kind() != ShimException.Kind.UNAVAILABLE) {
                throw e;
            }
            return ask(deadline, rpc);
        }
    }

    private <R> void begin(
            BiConsumer<ShimGrpc.ShimStub, StreamObserver<R>> rpc,
            BiConsumer<@Nullable R, @Nullable ShimException> done) {
        try {
            var used = line();
            rpc.accept(ShimGrpc.newStub(used), new AsyncAnswer<>(status -> failure(used, status, Duration.ZERO), done));
        } catch (ShimException e) {
            new AsyncAnswer<>(Statuses::exception, done).fail(e);
        }
    }

    private TtrpcChannel line() {
        synchronized (lock) {
            if (closed) {
                throw new ShimException(ShimException.Kind.UNAVAILABLE, "the bridge has released " + name);
            }
            var open = line;
            if (open == null) {
                try {
                    open = ShimConnection.open(address, CONNECT);
                } catch (IOException e) {
                    throw noConnection(e);
                }
                line = open;
                var dialed = open;
                var _ = open.closed().whenComplete((_, _) -> dropLost(dialed));
            }
            return open;
        }
    }

    private ShimException noConnection(IOException cause) {
        return new ShimException(
                ShimException.Kind.UNAVAILABLE,
                "the v1 shim of " + name + " does not accept connections: " + cause.getMessage(),
                cause);
    }

    private ShimException failure(TtrpcChannel used, Status status, Duration deadline) {
        return switch (status.getCode()) {
            case UNAVAILABLE -> {
                dropLost(used);
                yield new ShimException(
                        ShimException.Kind.UNAVAILABLE,
                        "the v1 shim of " + name + " hung up: " + status.getDescription(),
                        status.getCause());
            }
            case DEADLINE_EXCEEDED ->
                new ShimException(
                        ShimException.Kind.DEADLINE_EXCEEDED,
                        "the v1 shim of " + name + " did not answer within " + deadline.toMillis() + " ms");
            default -> Statuses.exception(status);
        };
    }

    /** Makes no use of a connection any more that has ended; says so if it was in use. */
    private void dropLost(TtrpcChannel ended) {
        boolean current;
        synchronized (lock) {
            current = ended.equals(line);
            if (current) {
                line = null;
            }
        }
        ended.close();
        if (current) {
            lost.run();
        }
    }

    @Override
    public void close() {
        TtrpcChannel open;
        synchronized (lock) {
            closed = true;
            open = line;
            line = null;
        }
        if (open != null) {
            open.close();
        }
    }
}
