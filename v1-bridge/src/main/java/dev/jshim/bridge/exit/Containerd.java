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
    /** For so long a v1 shim's program waits for a daemon (cmd/containerd/command/publish.go, v1.6.20). */
    private static final Duration GREETS = Duration.ofSeconds(2);

    /**
     * Which daemon answers now, a line that no other daemon has had, also not at the same place; empty if none answers.
     * If it is twice the same, that one has run all the while. A daemon is known by its socket, which each makes again
     * when it starts. Blocks, for two seconds at most.
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

    /** A gRPC server says what it is set to before anything is asked. That somebody listens says less: he may hang. */
    private static boolean greets(Path socket) {
        try (var connection = UnixSocket.connect(socket)) {
            return connection.receive(1, GREETS).data().length > 0;
        } catch (IOException e) {
            return false;
        }
    }
}
