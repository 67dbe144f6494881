package dev.jshim.bridge;

import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.PidFd;
import dev.jshim.linux.Processes;
import dev.jshim.node.ProcessRef;
import org.jspecify.annotations.Nullable;

/** Processes by pid and start time, compared before each use: a pid alone comes to mean another process one day. */
public final class LiveProcess {
    private LiveProcess() {}

    /** What has this pid now; null when there is no such process, or only a zombie. */
    public static @Nullable ProcessRef find(int pid) {
        var stat = pid <= 0 ? null : Processes.stat(pid);
        return stat == null || stat.isZombie() ? null : new ProcessRef(pid, stat.startTime());
    }

    /** The parent of a process; 0 where it is gone. */
    public static int parent(int pid) {
        var stat = Processes.stat(pid);
        return stat == null ? 0 : stat.parent();
    }

    /** Whether this very process runs; a zombie does not. */
    public static boolean isAlive(ProcessRef process) {
        return process.equals(find(process.pid()));
    }

    /**
     * Signals this very process and no other.
     *
     * @return false when it is gone
     */
    public static boolean signal(ProcessRef process, int signal) throws ErrnoException {
        if (!PidFd.supported()) {
            if (!isAlive(process)) {
                return false;
            }
            Processes.kill(process.pid(), signal);
            return true;
        }
        try (var fd = PidFd.open(process.pid())) {
            // The descriptor holds whoever has the pid now: compare after opening it, not before.
            if (!isAlive(process)) {
                return false;
            }
            fd.signal(signal);
            return true;
        } catch (ErrnoException e) {
            if (isAlive(process)) {
                throw e;
            }
            return false;
        }
    }
}
