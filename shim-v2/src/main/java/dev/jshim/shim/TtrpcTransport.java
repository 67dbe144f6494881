package dev.jshim.shim;

import dev.jshim.ttrpc.TtrpcServer;
import io.grpc.ServerServiceDefinition;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** ttrpc, which every containerd speaks. */
final class TtrpcTransport implements Transport {
    private @Nullable TtrpcServer server;

    @Override
    public void serve(Path socket, List<ServerServiceDefinition> services) throws IOException {
        var builder = TtrpcServer.builder().admit(Peers::isSameUser);
        services.forEach(builder::addService);
        server = builder.build();
        server.serve(listen(socket));
    }

    static ServerSocketChannel listen(Path socket) throws IOException {
        var listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            return listener.bind(UnixDomainSocketAddress.of(socket));
        } catch (IOException e) {
            listener.close();
            throw e;
        }
    }

    @Override
    public void shutdown(Duration grace) {
        if (server != null) {
            server.shutdown(grace);
        }
    }
}
