package dev.jshim.ttrpc;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.BindableService;
import io.grpc.Context;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import java.io.IOException;
import java.nio.channels.ByteChannel;
import java.nio.channels.Channel;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;

/**
 * Serves grpc-java services over ttrpc, on any number of listeners and connections.
 *
 * <p>Calls of one connection run concurrently and are answered in the order in which they end. The {@code Context} of a
 * call has the deadline that the client gave, and is cancelled when that passes, when the connection ends and when the
 * client cancels. All methods may be called by any thread. See PROTOCOL.md for what goes over the wire.
 */
public final class TtrpcServer implements AutoCloseable {
    private static final long MAX_BACKOFF_MILLIS = 1000;

    private final Map<String, ServerServiceDefinition> services;
    private final Executor executor;
    private final Predicate<SocketChannel> admitted;
    private final Predicate<String> waiting;
    private final Predicate<String> quick;
    private final Budget budget;
    private final ConnectionOwner owner = new ConnectionOwner();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition callEnded = lock.newCondition();

    @GuardedBy("lock")
    private final Set<ServerSocketChannel> listeners = new LinkedHashSet<>();

    @GuardedBy("lock")
    private final Set<ServerConnection> connections = new LinkedHashSet<>();

    private final AtomicBoolean saidFull = new AtomicBoolean();
    private volatile boolean draining;

    private TtrpcServer(Builder builder) {
        List<ServerServiceDefinition> definitions = builder.services;
        Map<String, ServerServiceDefinition> byName = new HashMap<>();
        for (ServerServiceDefinition service : definitions) {
            byName.put(
                    service.getServiceDescriptor().getName(),
                    ServerInterceptors.intercept(service, builder.interceptors));
        }
        this.services = Map.copyOf(byName);
        this.executor = builder.executor;
        this.admitted = builder.admitted;
        this.waiting = builder.waiting;
        this.quick = builder.quick;
        this.budget = builder.budget;
    }

    /** A builder without services. */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Begins to accept connections, and returns at once. The listener belongs to the server from now on, which closes
     * it.
     *
     * @throws IllegalStateException when the server was shut down; the listener is closed then too
     */
    public void serve(ServerSocketChannel listener) {
        lock.lock();
        try {
            if (!draining) {
                listeners.add(listener);
                Threads.of(listener).newThread(() -> accept(listener)).start();
                return;
            }
        } finally {
            lock.unlock();
        }
        closeQuietly(listener);
        throw new IllegalStateException("the server was shut down");
    }

    /**
     * Serves one connected peer, and returns at once. The channel, which must block, belongs to the server from now on.
     */
    public void serve(ByteChannel connection) {
        serve(new ServerConnection(connection, owner, budget));
    }

    /**
     * Serves a peer whose connection outlives this process, and returns at once: what a process before this one has
     * left undone is answered first. Both belong to the server from now on.
     *
     * @throws IOException if what was noted cannot be read; both are still the caller's then
     */
    public void serve(KeptChannel connection, CallNotes notes) throws IOException {
        serve(new ServerConnection(new NotedChannel(connection, notes), owner, budget));
    }

    /** A context in which calls are such that {@link #isRepeated} is true of them. */
    public static Context repeated() {
        return Context.ROOT.withValue(ServerStream.REPEATED, true);
    }

    /**
     * Whether the call that runs in this thread's context was begun by a process before this one, which may have done
     * what is asked.
     */
    public static boolean isRepeated() {
        return Boolean.TRUE.equals(ServerStream.REPEATED.get());
    }

    /**
     * Waits until no other call of the same connection is under way that a process before this one had begun, but for
     * those that only wait: for a call after whose answer the client closes the connection, and fails what is not
     * answered. Returns at once outside of a call, and also if the thread is interrupted.
     *
     * @param limit how long at most
     */
    public static void awaitRepeated(Duration limit) {
        ServerStream<?, ?> call = ServerStream.CALL.get();
        if (call != null) {
            call.connection().awaitRepeated(call, limit);
        }
    }

    private void serve(ServerConnection served) {
        boolean refused;
        boolean isFull = !budget.connect();
        lock.lock();
        try {
            refused = draining || isFull;
            if (!refused) {
                connections.add(served);
            }
        } finally {
            lock.unlock();
        }
        if (refused) {
            if (isFull) {
                if (saidFull.compareAndSet(false, true)) {
                    Log.warn("connections are refused", ServerConnection.NO_ROOM.asException());
                }
            } else {
                budget.disconnect();
            }
            served.close(null);
        } else {
            served.start();
        }
    }

    /**
     * Reads no more of the connections that outlive this process, and waits until their calls have been answered, but
     * for those that {@link Builder#waiting wait} themselves: for a process that is about to end. Blocks.
     *
     * @return whether they were answered in time
     */
    public boolean quiet(Duration grace) throws InterruptedException {
        long end = System.nanoTime() + grace.toNanos();
        List<ServerConnection> all = snapshot();
        all.forEach(ServerConnection::stopReading);
        for (ServerConnection connection : all) {
            while (!connection.isClosed() && !connection.isQuiet()) {
                if (System.nanoTime() > end) {
                    return false;
                }
                Thread.sleep(5);
            }
            if (!connection.outbox.awaitEmpty(end - System.nanoTime())) {
                return false;
            }
        }
        return true;
    }

    /** How many connections are open. */
    public int connections() {
        lock.lock();
        try {
            return connections.size();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Stops to listen, refuses new calls as unavailable, waits for the running calls and their answers to be written,
     * then closes all. A handler that calls this waits for itself, for all of {@code grace}.
     *
     * @return true when all calls ended in time; false also when the thread was interrupted, which it then still is
     */
    public boolean shutdown(Duration grace) {
        long end = System.nanoTime() + grace.toNanos();
        closeListeners();
        boolean inTime;
        try {
            inTime = awaitCalls(end);
            for (ServerConnection connection : snapshot()) {
                inTime &= connection.outbox.awaitEmpty(end - System.nanoTime());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            inTime = false;
        }
        close();
        return inTime;
    }

    /** Ends all connections at once; the contexts of running calls are cancelled. */
    @Override
    public void close() {
        closeListeners();
        snapshot().forEach(connection -> connection.close(null));
    }

    private boolean awaitCalls(long end) throws InterruptedException {
        lock.lock();
        try {
            while (connections.stream().anyMatch(connection -> connection.calls() > 0)) {
                if (callEnded.awaitNanos(end - System.nanoTime()) <= 0) {
                    return connections.stream().noneMatch(connection -> connection.calls() > 0);
                }
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    private void closeListeners() {
        List<ServerSocketChannel> open;
        lock.lock();
        try {
            draining = true;
            open = List.copyOf(listeners);
            listeners.clear();
            callEnded.signalAll();
        } finally {
            lock.unlock();
        }
        open.forEach(TtrpcServer::closeQuietly);
    }

    private List<ServerConnection> snapshot() {
        lock.lock();
        try {
            return new ArrayList<>(connections);
        } finally {
            lock.unlock();
        }
    }

    private void accept(ServerSocketChannel listener) {
        long backoff = 0;
        while (listener.isOpen()) {
            try {
                SocketChannel peer = listener.accept();
                backoff = 0;
                if (admitted.test(peer)) {
                    serve(peer);
                } else {
                    closeQuietly(peer);
                }
            } catch (ClosedChannelException closed) {
                return;
            } catch (IOException | OutOfMemoryError e) {
                // Out of descriptors or threads, most likely: those that are there may end soon.
                backoff = Math.clamp(backoff * 2, 1, MAX_BACKOFF_MILLIS);
                Log.warn("cannot accept a connection", e);
                pause(backoff);
            }
        }
    }

    private void pause(long millis) {
        lock.lock();
        try {
            long left = TimeUnit.MILLISECONDS.toNanos(millis);
            while (!draining && left > 0) {
                left = callEnded.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
    }

    private static void closeQuietly(Channel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            Log.warn("cannot close a socket", e);
        }
    }

    private final class ConnectionOwner implements ServerConnection.Owner {
        @Override
        public Map<String, ServerServiceDefinition> services() {
            return services;
        }

        @Override
        public Executor executor() {
            return executor;
        }

        @Override
        public boolean draining() {
            return draining;
        }

        @Override
        public boolean waits(String method) {
            return waiting.test(method);
        }

        @Override
        public boolean isQuick(String method) {
            return quick.test(method);
        }

        @Override
        public void callEnded() {
            if (draining) {
                signal();
            }
        }

        @Override
        public void connectionEnded(ServerConnection connection) {
            lock.lock();
            try {
                if (connections.remove(connection)) {
                    budget.disconnect();
                }
                callEnded.signalAll();
            } finally {
                lock.unlock();
            }
        }

        private void signal() {
            lock.lock();
            try {
                callEnded.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    /** Collects what a server serves. For one thread. */
    public static final class Builder {
        private final List<ServerServiceDefinition> services = new ArrayList<>();
        private final List<ServerInterceptor> interceptors = new ArrayList<>();
        private Executor executor = task -> Threads.CALLS.newThread(task).start();
        private Predicate<SocketChannel> admitted = peer -> true;
        private Predicate<String> waiting = method -> false;
        private Predicate<String> quick = method -> false;
        private Budget budget = Budget.ofProcess();

        private Builder() {}

        /** Adds a service. */
        @CanIgnoreReturnValue
        public Builder addService(BindableService service) {
            return addService(service.bindService());
        }

        /**
         * Adds a service.
         *
         * @throws IllegalArgumentException when there is one of that name
         */
        @CanIgnoreReturnValue
        public Builder addService(ServerServiceDefinition service) {
            String name = service.getServiceDescriptor().getName();
            if (services.stream()
                    .anyMatch(other -> other.getServiceDescriptor().getName().equals(name))) {
                throw new IllegalArgumentException("two services named " + name);
            }
            services.add(service);
            return this;
        }

        /** Puts an interceptor around all calls; the last one added is called first, as in grpc-java. */
        @CanIgnoreReturnValue
        public Builder intercept(ServerInterceptor interceptor) {
            interceptors.add(interceptor);
            return this;
        }

        /** Where handlers run; the default is a virtual thread for each call. */
        @CanIgnoreReturnValue
        public Builder executor(Executor handlers) {
            executor = handlers;
            return this;
        }

        /**
         * Says which accepted connections are served; the others are closed at once. Called by the listener's thread,
         * and must neither block nor throw.
         */
        @CanIgnoreReturnValue
        public Builder admit(Predicate<SocketChannel> peers) {
            admitted = peers;
            return this;
        }

        /**
         * Says by a method's full name whether its calls do nothing but wait: each process that comes after another one
         * begins them again, however many there were. Any other call is answered as unavailable once eight processes
         * have died that had begun it.
         */
        @CanIgnoreReturnValue
        public Builder waiting(Predicate<String> methods) {
            waiting = methods;
            return this;
        }

        /**
         * Says by a method's full name whether its handler only reads what is at hand, answers before it returns, and
         * never waits, not for a lock that is held for long either: it runs in the thread that reads the connection,
         * without a deadline, and whatever executor there is. One message each way.
         */
        @CanIgnoreReturnValue
        public Builder quick(Predicate<String> methods) {
            quick = methods;
            return this;
        }

        /**
         * What its peers can take of the heap, in bytes, if it is not a quarter shared by all servers of the process.
         */
        @CanIgnoreReturnValue
        Builder budget(Budget ofPeers) {
            budget = ofPeers;
            return this;
        }

        /** A server that serves nobody yet. */
        public TtrpcServer build() {
            return new TtrpcServer(this);
        }
    }
}
