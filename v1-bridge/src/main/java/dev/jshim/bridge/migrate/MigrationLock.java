package dev.jshim.bridge.migrate;

import dev.jshim.bridge.record.Directories;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;

/** One migration at a time on a node. A crash frees the lock. */
final class MigrationLock implements AutoCloseable {
    private final FileChannel channel;

    private MigrationLock(FileChannel channel) {
        this.channel = channel;
    }

    /** Takes the lock of a directory, which is made where it is missing. */
    static MigrationLock take(Path directory) throws IOException, MigrationException {
        while (true) {
            var lock = tryOnce(directory);
            if (lock != null) {
                return lock;
            }
        }
    }

    /** Null where the holder before has removed the file, as a rollback does, between our looking and our locking. */
    private static @Nullable MigrationLock tryOnce(Path directory) throws IOException, MigrationException {
        Directories.make(directory, "rwx------");
        var file = directory.resolve("lock");
        var found = identity(file);
        if (found == null) {
            create(file);
            return null;
        }
        FileChannel channel;
        try {
            channel = FileChannel.open(file, StandardOpenOption.WRITE);
        } catch (NoSuchFileException e) {
            return null;
        }
        try {
            var opened = identity(file);
            if (channel.tryLock() != null) {
                if (found.equals(opened) && found.equals(identity(file))) {
                    return new MigrationLock(channel);
                }
                channel.close();
                return null;
            }
        } catch (OverlappingFileLockException e) {
            // In this very JVM.
        }
        channel.close();
        throw new MigrationException("another migration is running (it holds " + file + "): wait until it has ended");
    }

    private static void create(Path file) throws IOException {
        try {
            Files.createFile(file);
        } catch (FileAlreadyExistsException | NoSuchFileException e) {
            // Another migration begins, or ends and takes the directory along: look again.
        }
    }

    private static @Nullable Object identity(Path file) throws IOException {
        try {
            var attributes = Files.readAttributes(file, BasicFileAttributes.class);
            if (!attributes.isRegularFile()) {
                // To open a FIFO would wait forever.
                throw new IOException(file + " is not a file: move it away");
            }
            return attributes.fileKey();
        } catch (NoSuchFileException e) {
            return null;
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
