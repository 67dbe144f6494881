package dev.jshim.bridge.serve;

import dev.jshim.node.NodePaths;
import java.io.IOException;
import java.nio.file.Path;

/** A bridge in this JVM; it ends also when it is told to stop over its control socket. */
public final class TestBridge implements AutoCloseable {
    private final BridgeDaemon daemon;

    private TestBridge(BridgeDaemon daemon) {
        this.daemon = daemon;
    }

    /** For a containerd that is not there. */
    public static TestBridge start(NodePaths node) throws IOException {
        return start(node, node.state().resolveSibling("none.sock"));
    }

    public static TestBridge start(NodePaths node, Path address) throws IOException {
        var daemon = BridgeDaemon.start(BridgeFlags.parse(
                "-root", node.root().toString(), "-state", node.state().toString(), "-address", address.toString()));
        Thread.ofVirtual().start(() -> {
            try {
                daemon.run();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        return new TestBridge(daemon);
    }

    @Override
    public void close() {
        daemon.close();
    }
}
