package dev.jshim.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jshim.proto.v2.task2.ConnectRequest;
import dev.jshim.proto.v2.task2.StateRequest;
import dev.jshim.proto.v2.task2.TaskGrpc;
import dev.jshim.shim.task.ShimException;
import dev.jshim.shim.task.TaskRegistry;
import dev.jshim.shim.task.TaskService;
import dev.jshim.shim.task.TaskServiceV3;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GrpcTransportTest {
    @TempDir
    Path folder;

    private final MultiThreadIoEventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final GrpcTransport transport = new GrpcTransport();
    private ManagedChannel channel;

    @BeforeEach
    void connect() throws Exception {
        var service = new TaskService(
                new TaskRegistry(),
                request -> {
                    throw ShimException.unimplemented("no containers here");
                },
                event -> {},
                () -> {});
        var socket = folder.resolve("sock");
        transport.serve(socket, List.of(service.bindService(), TaskServiceV3.of(service)));
        channel = NettyChannelBuilder.forAddress(UnixDomainSocketAddress.of(socket))
                .channelType(NioDomainSocketChannel.class, UnixDomainSocketAddress.class)
                .eventLoopGroup(loop)
                .overrideAuthority("localhost")
                .usePlaintext()
                .build();
    }

    @AfterEach
    void close() throws Exception {
        channel.shutdownNow();
        transport.shutdown(Duration.ofSeconds(5));
        loop.shutdownGracefully(0, 0, TimeUnit.MILLISECONDS).await(5000);
    }

    @Test
    void bothVersionsOfTheTaskApi() {
        var request = ConnectRequest.newBuilder().setId("x").build();
        var v3 = dev.jshim.proto.v2.task3.ConnectRequest.newBuilder().setId("x").build();

        assertThat(TaskGrpc.newBlockingStub(channel).connect(request).getShimPid())
                .isEqualTo((int) ProcessHandle.current().pid());
        assertThat(dev.jshim.proto.v2.task3.TaskGrpc.newBlockingStub(channel)
                        .connect(v3)
                        .getShimPid())
                .isEqualTo((int) ProcessHandle.current().pid());
    }

    @Test
    void failuresWithTheirCode() {
        var request = StateRequest.newBuilder().setId("x").build();

        assertThatThrownBy(() -> TaskGrpc.newBlockingStub(channel).state(request))
                .isInstanceOf(StatusRuntimeException.class)
                .hasMessage("NOT_FOUND: container x not created");
    }

    @Test
    void nobodyIsServedAfterTheEnd() throws Exception {
        var stub = TaskGrpc.newBlockingStub(channel).withDeadlineAfter(10, TimeUnit.SECONDS);
        var request = ConnectRequest.newBuilder().setId("x").build();
        assertThat(stub.connect(request).getTaskPid()).isZero();

        transport.shutdown(Duration.ofSeconds(5));

        assertThatThrownBy(() -> stub.connect(request)).hasMessageStartingWith("UNAVAILABLE");
    }
}
