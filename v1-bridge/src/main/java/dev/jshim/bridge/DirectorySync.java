package dev.jshim.bridge;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Directories whose entries outlive a loss of power: a new name is on disk only when its directory was synced. */
public final class DirectorySync {
    private DirectorySync() {}

    /** Puts the entries of a directory on disk. */
    public static void of(Path directory) throws IOException {
        try (var channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    /** The same for the directory that holds this path, where that is there. */
    public static void parent(Path path) throws IOException {
        var parent = path.getParent();
        if (parent != null && Files.isDirectory(parent)) {
            of(parent);
        }
    }

    /** Those of a directory and its parents that do not exist, the outermost first. */
    public static List<Path> missing(@Nullable Path directory) {
        List<Path> missing = new ArrayList<>();
        for (var path = directory; path != null && !Files.exists(path); path = path.getParent()) {
            missing.addFirst(path);
        }
        return missing;
    }

    /**
     * Makes a directory and its missing parents, each of them on disk when this returns.
     *
     * @param mode of all that are made, such as {@code rwx--x--x}
     */
    public static void make(Path directory, String mode) throws IOException {
        for (var path : missing(directory)) {
            Files.createDirectories(path, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(mode)));
            parent(path);
        }
    }
}
