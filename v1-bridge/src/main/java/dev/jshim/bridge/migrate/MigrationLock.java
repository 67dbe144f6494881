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
            if (isStillThere(lock, directory)) {
                if (Files.isWritable(directory)) {
                    return lock;
                }
                lock.close();
                throw new IOException("cannot write to " + directory
                        + ", which holds the journal of a migration: mount its file system writable");
            }
            lock.close();
        } catch (ErrnoException e) {
            if (e.errno() == Errno.ENOTDIR) {
                throw new IOException(directory + " is not a directory: move it away", e);
            }
            if (e.errno() != Errno.ENOENT) {
                throw e;
            }
        }
        return null;
    }

    private static boolean isStillThere(Fd lock, Path directory) throws ErrnoException {
        try {
            return FileCalls.fstat(lock).inode() == FileCalls.stat(directory).inode();
        } catch (ErrnoException e) {
            if (e.errno() == Errno.ENOENT) {
                return false;
            }
            lock.close();
            throw e;
        }
    }
}
