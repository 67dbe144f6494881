package dev.jshim.node.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import com.google.protobuf.Empty;
import dev.jshim.node.Answer;
import dev.jshim.node.socket.UnixGrpc;
import dev.jshim.proto.v2.containerd.containers.Container;
import dev.jshim.proto.v2.containerd.containers.ContainersGrpc;
import dev.jshim.proto.v2.containerd.containers.ListContainersRequest;
import dev.jshim.proto.v2.containerd.containers.ListContainersResponse;
import dev.jshim.proto.v2.containerd.events.EventsGrpc;
import dev.jshim.proto.v2.containerd.events.SubscribeRequest;
import dev.jshim.proto.v2.containerd.version.VersionGrpc;
import dev.jshim.proto.v2.containerd.version.VersionResponse;
import dev.jshim.proto.v2.types.Envelope;
import dev.jshim.task.TaskId;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(90)
class ContainerdClientTest {
    private static final Duration LONG = Duration.ofSeconds(30);

    @TempDir
    private Path directory;

    private final AtomicReference<String> namespace = new AtomicReference<>("");

    private Server serve(Path socket) throws IOException {
        var group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
        return NettyServerBuilder.forAddress(UnixDomainSocketAddress.of(socket))
                .channelType(NioServerDomainSocketChannel.class)
                .bossEventLoopGroup(group)
                .workerEventLoopGroup(group)
                .addService(new FakeVersion())
                .addService(new FakeContainers())
                .addService(new FakeEvents())
                .intercept(new KeepNamespace())
                .build()
                .start();
    }

    @Test
    void versionContainersAndEvents() throws Exception {
        var socket = directory.resolve("c.sock");
        var server = serve(socket);
        try (var client = new ContainerdClient(socket, LONG)) {
            assertThat(client.version().orNull()).isEqualTo(new ContainerdVersion("v2.1.4", "abc"));
            assertThat(client.containers("k8s.io").orNull()).singleElement().satisfies(record -> {
                assertThat(record.id()).isEqualTo("c");
                assertThat(record.runtime()).isEqualTo("io.containerd.runtime.v1.linux");
                assertThat(record.runtimeOptions()).isNull();
            });
            assertThat(namespace).hasValue("k8s.io");
            assertThat(client.container(new TaskId("k8s.io", "none"))).isInstanceOf(Answer.Refused.class);

            var events = new ArrayBlockingQueue<ContainerdEvent>(10);
            var ends = new ArrayBlockingQueue<String>(10);
            try (var subscription = client.subscribe(List.of("topic==\"/tasks/exit\""), events::add, ends::add)) {
                assertThat(subscription).isNotNull();
                assertThat(events.poll(10, TimeUnit.SECONDS))
                        .isEqualTo(new ContainerdEvent("ns", "topic==\"/tasks/exit\"", Any.getDefaultInstance()));
                server.shutdownNow();
                assertThat(ends.poll(10, TimeUnit.SECONDS)).isNotNull();
            }
        } finally {
            server.shutdownNow();
        }
    }

    @Test
    void noDaemon() {
        try (var client = new ContainerdClient(directory.resolve("none"), LONG)) {
            assertThat(client.version())
                    .isEqualTo(new Answer.Absent<>("no containerd answers on " + directory.resolve("none")));
        }
    }

    @Test
    void muteDaemon() throws IOException {
        var socket = directory.resolve("mute");
        var timeout = Duration.ofMillis(300);
        try (var listener =
                        ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(socket));
                var client = new ContainerdClient(socket, timeout)) {
            assertThat(listener.isOpen()).isTrue();
            assertThat(client.version()).isEqualTo(new Answer.Mute<>(timeout));
        }
    }

    @Test
    void majorVersions() {
        assertThat(new ContainerdVersion("1.6.20~ds1", "").major()).isEqualTo(1);
        assertThat(new ContainerdVersion("v2.4.0-beta.0", "").major()).isEqualTo(2);
        assertThat(new ContainerdVersion("unknown", "").major()).isZero();
    }

    private static final class FakeVersion extends VersionGrpc.VersionImplBase {
        @Override
        public void version(Empty request, StreamObserver<VersionResponse> out) {
            out.onNext(VersionResponse.newBuilder()
                    .setVersion("v2.1.4")
                    .setRevision("abc")
                    .build());
            out.onCompleted();
        }
    }

    private static final class FakeContainers extends ContainersGrpc.ContainersImplBase {
        @Override
        public void list(ListContainersRequest request, StreamObserver<ListContainersResponse> out) {
            var runtime = Container.Runtime.newBuilder().setName("io.containerd.runtime.v1.linux");
            out.onNext(ListContainersResponse.newBuilder()
                    .addContainers(Container.newBuilder().setId("c").setRuntime(runtime))
                    .build());
            out.onCompleted();
        }
    }

    /** Sends one event, whose topic is the filter, and leaves the stream open. */
    private static final class FakeEvents extends EventsGrpc.EventsImplBase {
        @Override
        public void subscribe(SubscribeRequest request, StreamObserver<Envelope> out) {
            out.onNext(Envelope.newBuilder()
                    .setNamespace("ns")
                    .setTopic(request.getFilters(0))
                    .build());
        }
    }

    private final class KeepNamespace implements ServerInterceptor {
        @Override
        public <Q, R> ServerCall.Listener<Q> interceptCall(
                ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
            var value = headers.get(UnixGrpc.NAMESPACE);
            if (value != null) {
                namespace.set(value);
            }
            return next.startCall(call, headers);
        }
    }
}
