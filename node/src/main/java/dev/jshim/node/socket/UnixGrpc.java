package dev.jshim.node.socket;

import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.util.logging.Level;
import java.util.logging.Logger;

/** gRPC over a unix socket, by Netty on the JDK's own channel. Nothing else names Netty, so that few JVMs load it. */
public final class UnixGrpc {
    /** Of each call to containerd or to a shim (1.6.20, namespaces/grpc.go). */
    public static final Metadata.Key<String> NAMESPACE =
            Metadata.Key.of("containerd-namespace", Metadata.ASCII_STRING_MARSHALLER);

    /** Netty warns of an option that grpc-java sets on every socket; kept here, else the setting is lost with it. */
    private static final Logger NETTY = Logger.getLogger("io.netty");

    private UnixGrpc() {}

    private static final class Threads {
        static final EventLoopGroup GROUP = new MultiThreadIoEventLoopGroup(
                1, Thread.ofPlatform().daemon().name("grpc-unix-", 0).factory(), NioIoHandler.newFactory());
    }

    /** Before a first socket of Netty's, on either side: it would warn of it on stderr. */
    public static void hushNetty() {
        NETTY.setLevel(Level.OFF);
    }

    /** A channel that connects on its first call, and again when that was lost. */
    public static ManagedChannel open(Path socket) {
        hushNetty();
        return NettyChannelBuilder.forAddress(UnixDomainSocketAddress.of(socket))
                .channelType(NioDomainSocketChannel.class, UnixDomainSocketAddress.class)
                .eventLoopGroup(Threads.GROUP)
                .overrideAuthority("localhost")
                .usePlaintext()
                .maxInboundMessageSize(16 * 1024 * 1024)
                .build();
    }
}
