package dev.jshim.it;

import dev.jshim.node.socket.UnixGrpc;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.HandlerRegistry;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerMethodDefinition;
import io.grpc.Status;
import io.grpc.netty.NettyServerBuilder;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The Container Runtime Interface by its old name, {@code runtime.v1alpha2}, which a kubelet before 1.23 calls and
 * containerd 2.x has no more. Its messages are those of {@code runtime.v1}: each call goes on as it is.
 */
final class OldCri implements AutoCloseable {
    private final EventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final ManagedChannel channel;
    private final Server server;

    /**
     * Begins to serve.
     *
     * @param socket where
     * @param daemon containerd's socket
     */
    OldCri(Path socket, Path daemon) {
        channel = UnixGrpc.open(daemon);
        try {
            server = NettyServerBuilder.forAddress(UnixDomainSocketAddress.of(socket))
                    .channelFactory(NioServerDomainSocketChannel::new)
                    .bossEventLoopGroup(loop)
                    .workerEventLoopGroup(loop)
                    .directExecutor()
                    .fallbackHandlerRegistry(new HandlerRegistry() {
                        @Override
                        public ServerMethodDefinition<?, ?> lookupMethod(String name, @Nullable String authority) {
                            return handler(name);
                        }
                    })
                    .build()
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private ServerMethodDefinition<byte[], byte[]> handler(String name) {
        MethodDescriptor<byte[], byte[]> theirs = method(name.replaceFirst("^runtime\\.v1alpha2\\.", "runtime.v1."));
        return ServerMethodDefinition.create(method(name), (call, headers) -> {
            ClientCall<byte[], byte[]> onward = channel.newCall(theirs, CallOptions.DEFAULT);
            onward.start(new Answers(call), new Metadata());
            onward.request(1);
            call.request(2); // Calls have one message; the second look sees the end.
            return new Questions(onward);
        });
    }

    private static MethodDescriptor<byte[], byte[]> method(String name) {
        return MethodDescriptor.newBuilder(new Bytes(), new Bytes())
                .setFullMethodName(name)
                .setType(MethodType.UNARY)
                .build();
    }

    /** From containerd to the kubelet. */
    private static final class Answers extends ClientCall.Listener<byte[]> {
        private final ServerCall<byte[], byte[]> to;

        Answers(ServerCall<byte[], byte[]> to) {
            this.to = to;
        }

        @Override
        public void onMessage(byte[] message) {
            to.sendHeaders(new Metadata());
            to.sendMessage(message);
        }

        @Override
        public void onClose(Status status, Metadata trailers) {
            to.close(status, trailers);
        }
    }

    /** From the kubelet to containerd. */
    private static final class Questions extends ServerCall.Listener<byte[]> {
        private final ClientCall<byte[], byte[]> to;

        Questions(ClientCall<byte[], byte[]> to) {
            this.to = to;
        }

        @Override
        public void onMessage(byte[] message) {
            to.sendMessage(message);
        }

        @Override
        public void onHalfClose() {
            to.halfClose();
        }

        @Override
        public void onCancel() {
            to.cancel("the kubelet has given up", null);
        }
    }

    /** A message as it is. */
    private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
        @Override
        public InputStream stream(byte[] value) {
            return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
            try {
                return stream.readAllBytes();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    @Override
    public void close() {
        server.shutdownNow();
        channel.shutdownNow();
        var _ = loop.shutdownGracefully(0, 0, TimeUnit.MILLISECONDS);
    }
}
