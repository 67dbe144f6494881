package dev.jshim.shim.oci;

import dev.jshim.linux.ExitedChild;
import dev.jshim.linux.ProcessId;
import dev.jshim.linux.Processes;
import dev.jshim.shim.cgroup.Cgroup;
import dev.jshim.shim.log.ShimLog;
import dev.jshim.shim.task.ShimException;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The init process of a container, there but not necessarily started.
 *
 * @param cgroup null where it could not be found: only metrics and the like are missing then
 * @param ended its end, whether it has come already or is yet to come
 */
record InitProcess(int pid, @Nullable Cgroup cgroup, CompletableFuture<ExitedChild> ended) {

    /** Looks its cgroup up, which can be found only while it lives. */
    static InitProcess of(int pid, CompletableFuture<ExitedChild> ended) {
        return new InitProcess(pid, cgroup(pid), ended);
    }

    /**
     * Signals a container whose init lives without its first thread: a runtime takes it for dead, says that it does not
     * run, or nothing at all, and signals nobody (runc 1.1.5 and 1.3, libcontainer currentStatus and hasInit).
     *
     * @param all every process of the container, and not init alone
     * @return false, and nothing is done, where init is not so
     */
    boolean signalPastRuntime(Reaper reaper, int signal, boolean all) {
        var stat = Processes.stat(pid);
        if (stat == null || !stat.lacksFirstThread()) {
            return false;
        }
        try {
            var isReached = reaper.signal(pid, signal);
            for (var member : isReached && all && cgroup != null ? cgroup.pids() : List.<Integer>of()) {
                var process = member == pid ? null : ProcessId.find(member);
                if (process != null) {
                    process.signal(signal);
                }
            }
            return isReached;
        } catch (IOException e) {
            throw new ShimException(
                    ShimException.Kind.UNKNOWN, "cannot send signal " + signal + ": " + e.getMessage(), e);
        }
    }

    private static @Nullable Cgroup cgroup(int pid) {
        try {
            return Cgroup.of(pid);
        } catch (IOException e) {
            ShimLog.warn("cannot find the cgroup", "pid", pid, "error", e.getMessage());
            return null;
        }
    }
}
