package dev.jshim.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jshim.proto.v2.task2.ConnectRequest;
import dev.jshim.proto.v2.task2.StateRequest;
import dev.jshim.proto.v2.task2.TaskGrpc;
import dev.jshim.shim.task.TaskRegistry;
import dev.jshim.shim.task.TaskService;
import dev.jshim.shim.task.TaskServiceV3;
import dev.jshim.task.ShimException;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import java.net.UnixDomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
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
    void anotherUserIsRefused() throws Exception {
        var socket = folder.resolve("sock");
        // Whatever the modes are: the folder is open to all, and so is the socket.
        for (Path open = socket; open != null && open.startsWith("/tmp/"); open = open.getParent()) {
            Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
        }

        assertThat(probe(socket, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"))
                .isEqualTo("closed");
        assertThat(probe(socket, "setpriv", "--clear-groups")).as("our own").isEqualTo("open");
    }

    /** HTTP/2 begins with the server's settings: one that reads nothing has been refused. */
    private static String probe(Path socket, String... as) throws Exception {
        List<String> command = new ArrayList<>(List.of(as));
        command.addAll(List.of(
                "perl",
                "-MIO::Socket::UNIX",
                "-e",
                "$SIG{PIPE} = 'IGNORE'; $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die \"connect: $!\";"
                        + " syswrite($s, \"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n\\0\\0\\0\\4\\0\\0\\0\\0\\0\");"
                        + " $n = sysread($s, $b, 1); print $n ? 'open' : 'closed'",
                socket.toString()));
        var process = new ProcessBuilder(command).redirectErrorStream(true).start();
        var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return said;
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
