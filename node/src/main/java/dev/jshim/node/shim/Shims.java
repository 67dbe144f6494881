package dev.jshim.node.shim;

import dev.jshim.node.Answer;
import dev.jshim.node.bundle.Bundle;
import dev.jshim.node.bundle.V2Bundle;
import dev.jshim.node.socket.ShimConnection;
import dev.jshim.node.socket.UnixGrpc;
import dev.jshim.task.Printable;
import dev.jshim.task.ShimSocket;
import dev.jshim.task.client.ShimTask;
import dev.jshim.task.client.V1Connection;
import dev.jshim.task.client.V1Task;
import dev.jshim.task.client.V2Task;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.time.Duration;
import java.util.function.Function;

/** Connections to the shims of bundles. Every call over one ends by its timeout, whatever the other side does. */
public final class Shims {
    /** What the metadata of each call is led by (1.6.20, namespaces/ttrpc.go and namespaces/grpc.go). */
    private static final Metadata.Key<String> TTRPC_NAMESPACE =
            Metadata.Key.of("containerd-namespace-ttrpc", Metadata.ASCII_STRING_MARSHALLER);

    private Shims() {}

    /** Connects, asks one thing and closes the connection. */
    public static <T> Answer<T> ask(Bundle bundle, Duration timeout, Function<ShimTask, T> question) {
        return open(bundle, timeout).then(open -> {
            try (var task = open) {
                return Answer.of(timeout, () -> question.apply(task));
            }
        });
    }

    /**
     * Connects to the shim of a bundle.
     *
     * @param timeout for the connect, and for each call later
     */
    public static Answer<ShimTask> open(Bundle bundle, Duration timeout) {
        var socket = bundle.socket();
        if (socket == null) {
            return new Answer.Absent<>("its socket is unknown");
        }
        var start = System.nanoTime();
        try {
            var task = bundle instanceof V2Bundle v2 ? connect(v2, socket, timeout) : connect(bundle, socket, timeout);
            return new Answer.Answered<>(task, Duration.ofNanos(System.nanoTime() - start));
        } catch (SocketTimeoutException e) {
            return new Answer.Mute<>(timeout);
        } catch (ConnectException e) {
            return new Answer.Absent<>("nobody listens on the socket");
        } catch (IOException e) {
            if (socket instanceof ShimSocket.Named named && !Files.exists(named.path(), LinkOption.NOFOLLOW_LINKS)) {
                return new Answer.Absent<>("the socket is gone");
            }
            return new Answer.Absent<>("cannot connect: " + Printable.of(String.valueOf(e.getMessage())));
        }
    }

    private static ShimTask connect(Bundle v1, ShimSocket socket, Duration timeout) throws IOException {
        var ttrpc = ShimConnection.open(socket, timeout);
        return new V1Task(v1.task().id(), v1.path(), new V1Connection(ttrpc, ttrpc::close, timeout));
    }

    private static ShimTask connect(V2Bundle bundle, ShimSocket socket, Duration timeout) throws IOException {
        var task = bundle.task();
        var metadata = new Metadata();
        if (bundle.endpoint().protocol() == V2Bundle.Protocol.TTRPC) {
            metadata.put(TTRPC_NAMESPACE, task.namespace());
            var ttrpc = ShimConnection.open(socket, timeout);
            var isV3 = bundle.endpoint().version() >= 3;
            return new V2Task(task, bundle.path(), with(ttrpc, metadata), ttrpc::close, isV3, timeout);
        }
        if (!(socket instanceof ShimSocket.Named named)) {
            throw new IOException("a shim that speaks gRPC has no abstract socket: " + socket.address());
        }
        metadata.put(UnixGrpc.NAMESPACE, task.namespace());
        var grpc = UnixGrpc.open(named.path());
        // 1.7 calls the v3 service of a gRPC shim also if its bootstrap.json must say version 2.
        return new V2Task(task, bundle.path(), with(grpc, metadata), grpc::shutdownNow, true, timeout);
    }

    private static Channel with(Channel channel, Metadata metadata) {
        return ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(metadata));
    }
}
