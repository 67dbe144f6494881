package dev.jshim.ttrpc;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** A server on a unix socket of its own and the channels to it. */
final class Fixture implements AutoCloseable {
    static final Duration LONG = Duration.ofSeconds(10);

    final Path directory;
    final Path socket;
    final TtrpcServer server;
    private final List<TtrpcChannel> channels = new ArrayList<>();

    Fixture(TtrpcServer.Builder builder) throws IOException {
        directory = Files.createTempDirectory("ttrpc");
        socket = directory.resolve("s");
        server = builder.build();
        server.serve(listen(socket));
    }

    static ServerSocketChannel listen(Path socket) throws IOException {
        return ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(socket));
    }

    TtrpcChannel channel() throws IOException {
        TtrpcChannel channel = TtrpcChannel.connect(socket, LONG);
        channels.add(channel);
        return channel;
    }

    RawPeer raw() throws IOException {
        return new RawPeer(SocketChannel.open(UnixDomainSocketAddress.of(socket)));
    }

    @Override
    public void close() throws IOException {
        channels.forEach(TtrpcChannel::close);
        server.close();
        Files.deleteIfExists(socket);
        Files.deleteIfExists(directory);
    }
}
