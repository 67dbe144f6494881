package dev.jshim.bridge.exit;

import dev.jshim.linux.UnixSocket;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * The containerd of a bridge, and which one answers there. Thread-safe.
 *
 * @param socket its gRPC socket
 */
public record Containerd(Path socket) {
    /** A v1 shim's program waits this long for a daemon (cmd/containerd/command/publish.go, v1.6.20). */
    private static final Duration GREETS = Duration.ofSeconds(2);

    /**
     * The identity of the daemon that answers now, a line that no other daemon has ever had, not even on the same
     * socket; empty if none answers. If it is the same twice, that daemon has run all the time. A daemon is identified
     * by its socket, which each creates again when it starts. Blocks for two seconds at most.
     */
    public String seen() {
        var before = identity(socket);
        return !before.isEmpty() && greets(socket) && before.equals(identity(socket)) ? before : "";
    }

    private static String identity(Path socket) {
        try {
            var facts = Files.readAttributes(socket, "unix:dev,ino,lastModifiedTime");
            return facts.get("dev") + " " + facts.get("ino") + " " + facts.get("lastModifiedTime") + " " + socket;
        } catch (IOException | UnsupportedOperationException e) {
            return "";
        }
    }

    /** A gRPC server sends its settings before it is asked anything. A process that only listens may hang. */
    private static boolean greets(Path socket) {
        try (var connection = UnixSocket.connect(socket)) {
            return connection.receive(1, GREETS).data().length > 0;
        } catch (IOException e) {
            return false;
        }
    }
}
