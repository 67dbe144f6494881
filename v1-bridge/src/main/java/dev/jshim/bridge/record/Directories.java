package dev.jshim.bridge.record;

import dev.jshim.linux.MountPoint;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Directories whose entries survive a loss of power: a new name is on disk only after its directory was synced. */
public final class Directories {
    private Directories() {}

    /** Writes the entries of a directory to disk. */
    public static void sync(Path directory) throws IOException {
        try (var channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    /** The same for the parent of this path, if that exists. */
    public static void syncParent(Path path) throws IOException {
        var parent = path.getParent();
        if (parent != null && Files.isDirectory(parent)) {
            sync(parent);
        }
    }

    /** Writes a new file. When this returns its content is on disk, its name perhaps not. */
    public static void writeNew(Path file, byte[] bytes, FileAttribute<?>... attributes) throws IOException {
        var options = Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        try (var channel = FileChannel.open(file, options, attributes)) {
            var buffer = ByteBuffer.wrap(bytes);
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
            channel.force(true);
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
     * Creates a directory and its missing parents. All of them are on disk when this returns.
     *
     * @param mode of all that are made, such as {@code rwx--x--x}
     */
    public static void make(Path directory, String mode) throws IOException {
        for (var path : missing(directory)) {
            Files.createDirectories(path, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(mode)));
            syncParent(path);
        }
    }

    /**
     * Checks that nothing is mounted in a directory, or on it.
     *
     * @param what the end of the message, after the mount point
     * @throws IOException if something is
     */
    public static void refuseMounts(Path directory, String what) throws IOException {
        var real = directory.toRealPath().toString();
        for (var mount : MountPoint.all()) {
            if (mount.path().equals(real) || mount.path().startsWith(real + "/")) {
                throw new IOException(mount.path() + " " + what);
            }
        }
    }

    /** Removes a directory in which nothing is mounted. Links are removed, not followed. */
    public static void removeUnmounted(Path tree) throws IOException {
        Files.walkFileTree(tree, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.deleteIfExists(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException failure)
                    throws IOException {
                if (failure != null) {
                    throw failure;
                }
                Files.deleteIfExists(directory);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException failure) throws IOException {
                if (failure instanceof NoSuchFileException) {
                    return FileVisitResult.CONTINUE;
                }
                throw failure;
            }
        });
    }
}
