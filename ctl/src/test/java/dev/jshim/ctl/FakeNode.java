package dev.jshim.ctl;

import dev.jshim.proto.v1.types.Status;
import dev.jshim.ttrpc.TtrpcServer;
import java.io.Closeable;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** A node in a directory: bundles as containerd leaves them, and v1 shims that answer on real sockets. */
final class FakeNode implements Closeable {
    static final int PID = (int) ProcessHandle.current().pid();

    final Path root;
    final Path state;
    final AtomicInteger lastSignal = new AtomicInteger();
    private final List<Closeable> sockets = new ArrayList<>();

    FakeNode(Path directory) {
        this.root = directory.resolve("root");
        this.state = directory.resolve("state");
    }

    /** A bundle whose shim answers with a state. */
    Path task(String namespace, String id, Status status) throws IOException {
        var bundle = bundle(namespace, id);
        var server = TtrpcServer.builder()
                .addService(new FakeShim(status, lastSignal))
                .build();
        server.serve(listener(bundle));
        sockets.add(server::close);
        Files.writeString(bundle.resolve("init.pid"), Integer.toString(PID));
        return bundle;
    }

    /** A bundle whose shim never answers. */
    Path mute(String namespace, String id) throws IOException {
        var bundle = bundle(namespace, id);
        sockets.add(listener(bundle));
        return bundle;
    }

    /** A bundle whose shim is gone. */
    Path bundle(String namespace, String id) throws IOException {
        var bundle = state.resolve("io.containerd.runtime.v1.linux/" + namespace + "/" + id);
        Files.createDirectories(bundle);
        Files.writeString(bundle.resolve("config.json"), "{\"process\":{\"args\":[\"sleep\",\"1\\u001b[2J\"]}}");
        Files.writeString(bundle.resolve("address"), "unix:///nowhere");
        return bundle;
    }

    private ServerSocketChannel listener(Path bundle) throws IOException {
        var socket = state.resolve("s" + sockets.size());
        Files.writeString(bundle.resolve("address"), "unix://" + socket);
        return ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(socket));
    }

    @Override
    public void close() throws IOException {
        for (var each : sockets) {
            each.close();
        }
    }
}
