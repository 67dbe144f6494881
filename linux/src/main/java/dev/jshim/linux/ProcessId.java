package dev.jshim.linux;

import org.jspecify.annotations.Nullable;

/**
 * A process, not only its number: pids are used again, a pid and a start time are not.
 *
 * <p>It lives until the last of its threads has ended ({@link ProcessStat#hasEnded}).
 *
 * @param pid 0 for none
 * @param startTicks clock ticks after boot, field 22 of /proc/PID/stat; -1 for none
 */
public record ProcessId(int pid, long startTicks) {

    /** What has this pid now, be it alive or a zombie; one that never lives if nothing has it. */
    public static ProcessId of(int pid) {
        return new ProcessId(pid, pid <= 0 ? -1 : Processes.startTime(pid));
    }

    /** What lives under this pid now; null when there is no such process, or it has ended. */
    public static @Nullable ProcessId find(int pid) {
        ProcessStat stat = pid <= 0 ? null : Processes.stat(pid);
        return stat == null || stat.hasEnded() ? null : new ProcessId(pid, stat.startTime());
    }

    /** Whether this very process lives. */
    public boolean isAlive() {
        return equals(find(pid));
    }

    /**
     * Whether it lives without its first thread. An OCI runtime takes it for dead then, and signals nothing: it is ours
     * to signal.
     */
    public boolean lacksFirstThread() {
        ProcessStat stat = pid <= 0 ? null : Processes.stat(pid);
        return stat != null && stat.startTime() == startTicks && stat.lacksFirstThread();
    }

    /**
     * Signals this very process and no other. If the kernel has no pidfds (before 5.3) a race of a few microseconds is
     * left.
     *
     * @return false when it has ended
     */
    public boolean signal(int signal) throws ErrnoException {
        if (!PidFd.supported()) {
            if (!isAlive()) {
                return false;
            }
            Processes.kill(pid, signal);
            return true;
        }
        try (PidFd fd = PidFd.open(pid)) {
            // The descriptor holds whoever has the pid now: compare after opening it, not before.
            if (!isAlive()) {
                return false;
            }
            fd.signal(signal);
            return true;
        } catch (ErrnoException e) {
            if (isAlive()) {
                throw e;
            }
            return false;
        }
    }

    // As in TaskId of node/: those that the compiler gives a record cost time at each start.

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof ProcessId process && pid == process.pid && startTicks == process.startTicks;
    }

    @Override
    public int hashCode() {
        return 31 * pid + Long.hashCode(startTicks);
    }

    @Override
    public String toString() {
        return pid + " " + startTicks;
    }
}
