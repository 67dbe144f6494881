package dev.jshim.shim.oci;

import dev.jshim.linux.ExitedChild;
import dev.jshim.linux.ProcessId;
import dev.jshim.linux.Processes;
import dev.jshim.proto.v2.notes.ProcessNote;
import dev.jshim.shim.cgroup.Cgroup;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimLog;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The init process of a container, there but not necessarily started.
 *
 * @param membership what its {@code /proc/PID/cgroup} said; empty if it could not be read
 * @param cgroup null if it could not be found: only metrics and the like are missing then
 * @param ended its end, whether it has come already or is yet to come
 */
record InitProcess(
        ProcessId id, String membership, @Nullable Cgroup cgroup, CompletableFuture<ExitedChild> ended) {

    /** Looks its cgroup up, which can be found only while it lives. */
    static InitProcess of(int pid, CompletableFuture<ExitedChild> ended) {
        var id = ProcessId.of(pid);
        String membership;
        try {
            membership = Cgroup.membership(pid);
        } catch (IOException e) {
            warn(pid, e);
            membership = "";
        }
        return new InitProcess(id, membership, cgroup(pid, membership), ended);
    }

    /** One that a process before this one has noted. */
    static InitProcess of(ProcessNote note, Reaper reaper) {
        var id = new ProcessId(note.getPid(), note.getStart());
        var ended = note.hasExit()
                ? CompletableFuture.completedFuture(
                        new ExitedChild(id.pid(), false, note.getExit().getExitStatus()))
                : reaper.adopt(id);
        return new InitProcess(id, note.getCgroup(), cgroup(id.pid(), note.getCgroup()), ended);
    }

    int pid() {
        return id.pid();
    }

    /**
     * Signals a container whose init lives without its first thread: a runtime takes it for dead, says that it does not
     * run, or nothing at all, and signals nobody (runc 1.1.5 and 1.3, libcontainer currentStatus and hasInit).
     *
     * @param all every process of the container, and not init alone
     * @return false, and nothing is done, if init still has that thread
     */
    boolean signalPastRuntime(Reaper reaper, int signal, boolean all) {
        var pid = pid();
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

    /** The processes of its container; it alone if the cgroup is unknown or empty. */
    List<Integer> members() throws IOException {
        var all = cgroup == null ? List.<Integer>of() : cgroup.pids();
        return all.isEmpty() ? List.of(pid()) : all;
    }

    private static @Nullable Cgroup cgroup(int pid, String membership) {
        try {
            return membership.isEmpty() ? null : Cgroup.of(membership);
        } catch (IOException e) {
            warn(pid, e);
            return null;
        }
    }

    private static void warn(int pid, IOException e) {
        ShimLog.warn("cannot find the cgroup", "pid", pid, "error", e.getMessage());
    }
}
