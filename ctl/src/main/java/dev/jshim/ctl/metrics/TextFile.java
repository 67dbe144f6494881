package dev.jshim.ctl.metrics;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;

/** A file for node_exporter's textfile collector, which reads at any time and as another user. */
final class TextFile {
    private TextFile() {}

    /**
     * Writes it or replaces it: who reads has the old one or the new one whole. Everybody may read it, whatever the
     * umask is. It outlives this process, not a loss of power.
     *
     * @throws IOException if it cannot be written; what was there stays
     */
    static void write(Path file, String text) throws IOException {
        // The collector passes over what does not end in .prom.
        var folder = file.toAbsolutePath().getParent();
        var fresh = Files.createTempFile(folder, "." + file.getFileName(), ".new");
        try {
            Files.writeString(fresh, text);
            Files.setPosixFilePermissions(fresh, PosixFilePermissions.fromString("rw-r--r--"));
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            Files.deleteIfExists(fresh);
            throw e;
        }
    }
}
