package dev.jshim.linux;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What /proc/PID/stat says of a process, see proc(5); of a thread, if it is that of /proc/PID/task/TID.
 *
 * @param command at most 15 bytes, may hold spaces and parentheses
 * @param state R, S, D, T, Z ... of its first thread, which may have ended without the others: see {@link #hasEnded}
 * @param flags the kernel's PF_ bits
 * @param threads how many it has; one that has ended still counts its first
 * @param startTime clock ticks after boot
 */
public record ProcessStat(
        int pid,
        String command,
        char state,
        int parent,
        int processGroup,
        int session,
        long flags,
        int threads,
        long startTime) {
    private static final int FLAGS = 9 - 3;
    private static final int THREADS = 20 - 3;
    private static final int START_TIME = 22 - 3;

    /** PF_EXITING of the kernel's include/linux/sched.h. */
    private static final long EXITING = 4;

    /**
     * Parses the line. The command ends at the last ')': it may contain that character itself.
     *
     * @throws IllegalArgumentException for anything else
     */
    public static ProcessStat parse(String line) {
        int open = line.indexOf('(');
        int close = line.lastIndexOf(')');
        if (open < 2 || close < open || close + 2 >= line.length()) {
            throw new IllegalArgumentException("not a stat line: " + line);
        }
        String[] fields = line.substring(close + 2).trim().split(" ", START_TIME + 2);
        if (fields.length <= START_TIME || fields[0].isEmpty()) {
            throw new IllegalArgumentException("short stat line: " + line);
        }
        return new ProcessStat(
                Integer.parseInt(line.substring(0, open - 1)),
                line.substring(open + 1, close),
                fields[0].charAt(0),
                Integer.parseInt(fields[1]),
                Integer.parseInt(fields[2]),
                Integer.parseInt(fields[3]),
                Long.parseLong(fields[FLAGS]),
                Integer.parseInt(fields[THREADS]),
                Long.parseLong(fields[START_TIME]));
    }

    /**
     * Reads the file {@code stat} of a folder, {@code /proc/PID} or {@code /proc/PID/task/TID}; null when the process
     * or the thread is gone.
     *
     * @throws IllegalArgumentException for a file that the kernel has not written
     */
    public static @Nullable ProcessStat read(Path folder) {
        try {
            return parse(new String(Files.readAllBytes(folder.resolve("stat")), StandardCharsets.ISO_8859_1));
        } catch (IOException gone) {
            return null;
        }
    }

    /**
     * Whether it is dead, though perhaps not yet waited for: all of its threads have ended. If only the first one has
     * ({@code pthread_exit} in main), the state is that of a zombie, too, but the process runs, holds what it had, and
     * its parent gets no signal.
     */
    public boolean hasEnded() {
        return isFirstThreadOver() && threads <= 1;
    }

    /** Whether it runs without its first thread: OCI runtimes, which look at the state alone, take it for dead. */
    public boolean lacksFirstThread() {
        return isFirstThreadOver() && threads > 1;
    }

    private boolean isFirstThreadOver() {
        return state == 'Z' || state == 'X';
    }

    /**
     * The folder where the process's own things are read, such as its cgroup or its command line: that of its pid, or
     * of a thread that lives, if the first one is at its end. Of such a thread the kernel shows nothing any more, and
     * on cgroup v1 the root of each hierarchy in the place of its cgroup. To be looked at again after the reading: the
     * thread may have ended meanwhile.
     *
     * @param proc {@code /proc}
     */
    public Path folder(Path proc) {
        Path own = proc.resolve(Integer.toString(pid));
        if (!isExiting() || hasEnded()) {
            return own;
        }
        try (var threads = Files.newDirectoryStream(own.resolve("task"))) {
            for (Path thread : threads) {
                ProcessStat stat = read(thread);
                if (stat != null && !stat.isExiting()) {
                    return thread;
                }
            }
        } catch (IOException | DirectoryIteratorException gone) {
            return own;
        }
        return own;
    }

    /** Whether this thread is at its end, or beyond: the kernel has begun to take away what it had. */
    public boolean isExiting() {
        return (flags & EXITING) != 0 || isFirstThreadOver();
    }
}
