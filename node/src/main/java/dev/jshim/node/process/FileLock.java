package dev.jshim.node.process;

import org.jspecify.annotations.Nullable;

/**
 * A lock of flock(2) that somebody holds and nobody can share, as /proc/locks has it (proc_locks(5)).
 *
 * @param pid who took it, in our own pid namespace: the kernel lists no others
 * @param inode of the file. The device that stands before it is left out: if a file system has several (btrfs), it is
 *     not the one that stat(2) names
 */
public record FileLock(int pid, long inode) {
    /** Reads a line; null if it is not of such a lock, or of one that is waited for. */
    static @Nullable FileLock parse(String line) {
        var words = line.strip().split("\\s+", 7);
        if (words.length < 6 || !words[1].equals("FLOCK") || !words[3].equals("WRITE")) {
            return null;
        }
        try {
            return new FileLock(
                    Integer.parseInt(words[4]),
                    Long.parseUnsignedLong(words[5].substring(words[5].lastIndexOf(':') + 1)));
        } catch (NumberFormatException e) {
            return null;
        }
    }
}
