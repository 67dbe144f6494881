package dev.jshim.grpc;

import dev.jshim.shim.Peers;
import dev.jshim.shim.Transport;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.NettyServerBuilder;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.AbstractNioChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * gRPC over a unix socket, by Netty's NIO channel: its epoll channel would unpack a native library. One thread for all
 * connections; the calls run in virtual threads of their own. Peers of another user are refused. Made by the shim
 * through its name.
 */
public final class GrpcTransport implements Transport {
    /** Kept: a logger that nobody holds forgets its level. It warns that a unix socket knows no SO_KEEPALIVE. */
    private static final Logger NETTY = Logger.getLogger("io.netty.bootstrap.ServerBootstrap");

    private final EventLoopGroup loop;
    private @Nullable Server server;

    public GrpcTransport() {
        NETTY.setLevel(Level.SEVERE);
        loop = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    }

    @Override
    public void serve(Path socket, List<ServerServiceDefinition> services) throws IOException {
        var builder = NettyServerBuilder.forAddress(UnixDomainSocketAddress.of(socket))
                .channelFactory(GrpcTransport::listener)
                .bossEventLoopGroup(loop)
                .workerEventLoopGroup(loop)
                .executor(Executors.newVirtualThreadPerTaskExecutor());
        services.forEach(builder::addService);
        server = builder.build().start();
    }

    private static NioServerDomainSocketChannel listener() {
        var listener = new NioServerDomainSocketChannel();
        listener.pipeline().addFirst("peers", new PeerCheck());
        return listener;
    }

    /** Refuses connections of other users, before gRPC sees them. */
    private static final class PeerCheck extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object accepted) {
            if (accepted instanceof AbstractNioChannel connection
                    && connection.unsafe().ch() instanceof SocketChannel socket
                    && Peers.isSameUser(socket)) {
                context.fireChannelRead(accepted);
            } else if (accepted instanceof Channel refused) {
                refused.unsafe().closeForcibly();
            }
        }
    }

    @Override
    public void shutdown(Duration grace) throws InterruptedException {
        if (server == null) {
            return;
        }
        server.shutdown();
        if (!server.awaitTermination(grace.toMillis(), TimeUnit.MILLISECONDS)) {
            server.shutdownNow();
        }
        loop.shutdownGracefully(0, 0, TimeUnit.MILLISECONDS).await(grace.toMillis());
    }
}
