package dev.jshim.bridge.migrate;

import dev.jshim.bridge.record.Directories;
import dev.jshim.linux.Errno;
import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** One migration at a time on a node: a lock on the directory that holds the journal. A crash frees it. */
final class MigrationLock {
    private MigrationLock() {}

    /**
     * Takes the lock of a directory, which is made if it is missing; it is held as long as the descriptor is open. If
     * the holder before has removed the directory since we have found it, as a rollback does, it is made again.
     */
    static Fd take(Path directory) throws IOException {
        while (true) {
            Directories.make(directory, "rwx------");
            try {
                var lock = FileCalls.lockDirectory(directory);
                if (lock == null) {
                    throw new MigrationException(
                            "another migration is running (it has locked " + directory + "): wait until it has ended");
                }
                if (Place.isSame(Path.of("/proc/self/fd/" + lock.number()), directory)) {
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
        }
    }
}
