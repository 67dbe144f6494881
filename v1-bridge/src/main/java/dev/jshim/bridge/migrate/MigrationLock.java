package dev.jshim.bridge.migrate;

import dev.jshim.bridge.record.Directories;
import dev.jshim.linux.Errno;
import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** One migration at a time on a node: a lock on the directory that holds the journal. A crash frees it. */
final class MigrationLock {
    private MigrationLock() {}

    /**
     * Takes the lock of a directory, which is made where it is missing; it is held as long as the descriptor is open.
     */
    static Fd take(Path directory) throws IOException, MigrationException {
        while (true) {
            var lock = tryOnce(directory);
            if (lock != null) {
                return lock;
            }
        }
    }

    /** Null where the holder before has removed the directory, as a rollback does, since we have found it. */
    private static @Nullable Fd tryOnce(Path directory) throws IOException, MigrationException {
        Directories.make(directory, "rwx------");
        try {
            var lock = FileCalls.lockDirectory(directory);
            if (lock == null) {
                throw new MigrationException(
                        "another migration is running (it has locked " + directory + "): wait until it has ended");
            }
            if (!Files.isWritable(directory)) {
                lock.close();
                throw new IOException("a migration needs " + directory + " and cannot write there");
            }
            if (FileCalls.fstat(lock).inode() == FileCalls.stat(directory).inode()) {
                return lock;
            }
            lock.close();
        } catch (ErrnoException e) {
            if (e.errno() != Errno.ENOENT) {
                throw e;
            }
        }
        return null;
    }
}
