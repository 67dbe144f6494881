package dev.jshim.bridge;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Listens as a containerd does, and greets whoever comes as a gRPC server does: it makes its socket again each time.
 */
public final class FakeDaemon implements AutoCloseable {
    private final ServerSocketChannel listener;
    private final Thread greeter = Thread.ofPlatform().daemon().unstarted(this::greet);
    private final List<SocketChannel> clients = new CopyOnWriteArrayList<>();

    /** @param isMute whether it greets nobody */
    public FakeDaemon(Path socket, boolean isMute) throws IOException {
        Files.deleteIfExists(socket);
        listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        listener.bind(UnixDomainSocketAddress.of(socket));
        if (!isMute) {
            greeter.start();
        }
    }

    private void greet() {
        try {
            while (true) {
                var client = listener.accept();
                clients.add(client);
                client.write(ByteBuffer.wrap(new byte[9]));
            }
        } catch (IOException e) {
            // It has ended.
        }
    }

    @Override
    public void close() throws IOException {
        listener.close();
        try {
            greeter.join();
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
        for (var client : clients) {
            client.close();
        }
    }
}
