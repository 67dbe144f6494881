package dev.jshim.bridge.record;

import dev.jshim.node.NodePaths;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** The paths of a bridge's files. There is one bridge for each pair of root and state directory. */
public record BridgePaths(NodePaths node) {
    /** sun_path has 108 bytes; containerd itself accepts this many. */
    private static final int MAX_SOCKET = 106;

    private static final Path FALLBACK = Path.of("/run/jshim");

    /** Sockets, notes and log; mode 0700. A bridge locks it as long as it lives. */
    public Path directory() {
        return node.state().resolve("jshim");
    }

    /** The socket of an adopted container's task; always the same for the same task. */
    public Path socket(TaskId task) {
        return fitting(directory().resolve("s").resolve(hash(task.toString()) + ".sock"));
    }

    /** The socket for {@code jshimctl}. */
    public Path control() {
        return fitting(directory().resolve("bridge.sock"));
    }

    /** The keeper's status, which it writes itself. */
    public Path keeper() {
        return directory().resolve("keeper");
    }

    /** The keeper's pid, for systemd, whose main process it is. */
    public Path keeperPid() {
        return directory().resolve("keeper.pid");
    }

    /** The notes of calls that the bridge has not answered yet. */
    public Path calls() {
        return directory().resolve("calls");
    }

    /** Those of one client. */
    public Path calls(String client) {
        return calls().resolve(hash(client));
    }

    /** What the next bridge has to know, a file for each adopted container. */
    public Path notes() {
        return directory().resolve("notes");
    }

    /** That of one container, and of no other that has its id. */
    public Path notes(AdoptedRecord record) {
        return notes().resolve(hash(record.key() + " " + record.init()));
    }

    public Path log() {
        return directory().resolve("bridge.log");
    }

    /** Removes all of these files and the directory; for when no bridge lives any more. */
    public void removeFiles() throws IOException {
        Files.deleteIfExists(control());
        if (Files.isDirectory(directory())) {
            Directories.removeUnmounted(directory());
        }
    }

    private static Path fitting(Path socket) {
        var name = socket.toString();
        return name.getBytes(StandardCharsets.UTF_8).length <= MAX_SOCKET
                ? socket
                : FALLBACK.resolve(hash(name) + ".sock");
    }

    private static String hash(String text) {
        try {
            var sum = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(sum, 0, 10);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }
}
