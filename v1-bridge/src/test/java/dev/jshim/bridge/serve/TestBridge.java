package dev.jshim.bridge.serve;

import dev.jshim.node.NodePaths;
import java.io.IOException;

/** A bridge in this JVM; it ends also when it is told to stop over its control socket. */
public final class TestBridge implements AutoCloseable {
    private final BridgeDaemon daemon;

    private TestBridge(BridgeDaemon daemon) {
        this.daemon = daemon;
    }

    public static TestBridge start(NodePaths node) throws IOException {
        var daemon = BridgeDaemon.start(BridgeFlags.parse(
                "-root",
                node.root().toString(),
                "-state",
                node.state().toString(),
                "-address",
                node.state() + "/none.sock"));
        Thread.ofVirtual().start(() -> {
            try {
                daemon.await();
                daemon.close();
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
