package dev.jshim.bridge;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Small files of the bridge's own, which are there whole or not at all, whenever who writes them dies. */
final class WholeFile {
    private WholeFile() {}

    /** Writes a file or replaces it. It outlives this process, not a loss of power. One writer at a time. */
    static void write(Path file, String text) throws IOException {
        var fresh = file.resolveSibling(file.getFileName() + ".new");
        Files.writeString(fresh, text);
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
    }
}
