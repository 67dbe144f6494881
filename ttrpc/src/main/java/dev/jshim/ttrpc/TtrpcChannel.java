package dev.jshim.ttrpc;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.MethodDescriptor;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.channels.ByteChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A ttrpc connection, to make grpc-java's generated stubs from. It does not connect again: when the connection has
 * ended, calls fail as unavailable.
 *
 * <p>Any number of calls may run at once. A call ends with its deadline (that of the call options or of the current
 * {@code Context}, whichever is sooner) also when the peer never answers. All methods may be called by any thread.
 */
public final class TtrpcChannel extends Channel implements AutoCloseable {
    private final ClientConnection connection;
    private final String authority;

    private TtrpcChannel(ByteChannel channel, String authority) {
        this.connection = new ClientConnection(channel);
        this.authority = authority;
        connection.start();
    }

    /**
     * Connects to a unix socket of the file system.
     *
     * @throws SocketTimeoutException when nobody accepted within {@code timeout}, which happens when the peer's backlog
     *     is full
     * @throws IOException when there is no such socket, nobody listens or access is denied
     */
    public static TtrpcChannel connect(Path socket, Duration timeout) throws IOException {
        return over(Connect.to(socket, timeout), socket.toString());
    }

    /**
     * Speaks over a connection that is made, and must be in blocking mode. The channel belongs to the result from now
     * on.
     *
     * @param authority what {@link #authority()} answers; it does not go over the wire
     */
    public static TtrpcChannel over(ByteChannel connection, String authority) {
        return new TtrpcChannel(connection, authority);
    }

    /** Completes when the connection has ended, whoever ended it. */
    public CompletableFuture<@Nullable Void> closed() {
        return connection.closed.copy();
    }

    /** Ends the connection at once; running calls fail as unavailable. */
    @Override
    public void close() {
        connection.close(null);
    }

    @Override
    public <Q, R> ClientCall<Q, R> newCall(MethodDescriptor<Q, R> method, CallOptions options) {
        return new ClientStream<>(
                connection,
                method,
                options,
                task -> Threads.CALLS.newThread(task).start());
    }

    @Override
    public String authority() {
        return authority;
    }
}
