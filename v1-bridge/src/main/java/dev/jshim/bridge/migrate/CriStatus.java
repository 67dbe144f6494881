package dev.jshim.bridge.migrate;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.jshim.bridge.record.Directories;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * What containerd's CRI plugin keeps of a container's state (v2.1.4, internal/cri/store/container/status.go). A 2.x
 * that did not find a container writes down that it has exited, and believes that more than the task it finds later.
 */
record CriStatus(Path file) {
    private static final String VERSION = "v1";
    private static final String CRI = "io.containerd.grpc.v1.cri";

    /** The file of a container, which only those of pods have. */
    static CriStatus of(Path root, String id) {
        return new CriStatus(root.resolve(CRI).resolve("containers").resolve(id).resolve("status"));
    }

    /** Whether it says that the container has exited; false where there is no such file. */
    boolean isExited() throws IOException {
        return Files.exists(file) && number(read(), "FinishedAt") != 0;
    }

    /**
     * Makes it say that the container runs. In one step, on disk when this returns; can be repeated.
     *
     * @param backup keeps the file as it was; one that is there already is the older and stays
     */
    void repair(Path backup) throws IOException {
        var status = read();
        var directory = backup.getParent();
        if (directory != null) {
            Directories.make(directory, "rwx------");
        }
        if (!Files.exists(backup)) {
            replace(backup, Files.readAllBytes(file));
        }
        status.addProperty("FinishedAt", 0);
        status.addProperty("ExitCode", 0);
        status.addProperty("Reason", "");
        status.addProperty("Message", "");
        replace(file, status.toString().getBytes(StandardCharsets.UTF_8));
    }

    private static void replace(Path path, byte[] bytes) throws IOException {
        var part = path.resolveSibling(path.getFileName() + ".jshim");
        Files.deleteIfExists(part);
        Directories.writeNew(
                part, bytes, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.move(part, path, StandardCopyOption.ATOMIC_MOVE);
        Directories.syncParent(path);
    }

    private JsonObject read() throws IOException {
        try {
            if (JsonParser.parseString(Files.readString(file)) instanceof JsonObject status
                    && status.has("Version")
                    && VERSION.equals(status.get("Version").getAsString())) {
                return status;
            }
        } catch (JsonParseException | IllegalStateException | UnsupportedOperationException e) {
            throw new IOException(file + " cannot be read: " + e.getMessage(), e);
        }
        throw new IOException(
                file + " has a form that this jshim does not know: stop and remove the container under containerd 2.x");
    }

    private static long number(JsonObject status, String key) throws IOException {
        try {
            return status.has(key) ? status.get(key).getAsLong() : 0;
        } catch (IllegalStateException | UnsupportedOperationException | NumberFormatException e) {
            throw new IOException(key + " is no number", e);
        }
    }
}
