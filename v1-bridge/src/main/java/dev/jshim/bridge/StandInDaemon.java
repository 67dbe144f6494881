package dev.jshim.bridge;

import com.google.protobuf.Any;
import com.google.protobuf.Empty;
import dev.jshim.node.UnixGrpc;
import dev.jshim.proto.v2.containerd.events.EventsGrpc;
import dev.jshim.proto.v2.containerd.events.SubscribeRequest;
import dev.jshim.proto.v2.containerd.version.VersionGrpc;
import dev.jshim.proto.v2.containerd.version.VersionResponse;
import dev.jshim.proto.v2.events.TaskExit;
import dev.jshim.proto.v2.types.Envelope;
import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Answers as containerd does when a bridge subscribes to its events, and tells of one exit: for the training run, so
 * that gRPC and Netty are in the AOT cache. Without it they cost each bridge megabytes of its own.
 */
final class StandInDaemon implements AutoCloseable {
    private final EventLoopGroup threads = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final CountDownLatch subscribed = new CountDownLatch(1);
    private final Server server;

    /** Listens. */
    StandInDaemon(Path socket) throws IOException {
        UnixGrpc.hushNetty(); // else it depends on who connects first: the bridge's gRPC, or its look whether one
        // listens
        server = NettyServerBuilder.forAddress(UnixDomainSocketAddress.of(socket))
                .channelType(NioServerDomainSocketChannel.class)
                .bossEventLoopGroup(threads)
                .workerEventLoopGroup(threads)
                .addService(new Version())
                .addService(new Events())
                .build()
                .start();
    }

    /** Waits until somebody has subscribed; false where nobody has in time. */
    boolean awaitSubscriber(Duration patience) throws InterruptedException {
        return subscribed.await(patience.toNanos(), TimeUnit.NANOSECONDS);
    }

    @Override
    public void close() {
        server.shutdownNow();
        var _ = threads.shutdownGracefully(0, 0, TimeUnit.SECONDS);
    }

    private static final class Version extends VersionGrpc.VersionImplBase {
        @Override
        public void version(Empty r, StreamObserver<VersionResponse> answer) {
            answer.onNext(VersionResponse.newBuilder().setVersion("v2.0.0").build());
            answer.onCompleted();
        }
    }

    private final class Events extends EventsGrpc.EventsImplBase {
        @Override
        public void subscribe(SubscribeRequest r, StreamObserver<Envelope> answer) {
            var exit = TaskExit.newBuilder().setContainerId("c").setId("c").build();
            answer.onNext(Envelope.newBuilder()
                    .setNamespace("train")
                    .setTopic("/tasks/exit")
                    .setEvent(Any.pack(exit))
                    .build());
            subscribed.countDown();
        }
    }
}
