package dev.jshim.bridge.migrate;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** One migration at a time on a node. A crash frees the lock. */
final class MigrationLock implements AutoCloseable {
    private final FileChannel channel;

    private MigrationLock(FileChannel channel) {
        this.channel = channel;
    }

    /** Takes the lock of a directory, which is made where it is missing. */
    static MigrationLock take(Path directory) throws IOException, MigrationException {
        Files.createDirectories(directory);
        var file = directory.resolve("lock");
        var channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            if (channel.tryLock() != null) {
                return new MigrationLock(channel);
            }
        } catch (OverlappingFileLockException e) {
            // In this very JVM.
        }
        channel.close();
        throw new MigrationException("another migration is at work (it holds " + file + "): wait until it has ended");
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
