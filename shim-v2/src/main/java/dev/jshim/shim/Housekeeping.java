package dev.jshim.shim;

import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.HugePages;
import dev.jshim.linux.OpenFiles;
import dev.jshim.linux.Processes;
import dev.jshim.shim.cgroup.ShimCgroup;
import dev.jshim.shim.keeper.ShimPid;
import dev.jshim.task.ShimLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What a shim does to its own process before it serves (manager/manager_linux.go Start, pkg/shim/util_unix.go, v2.1.4).
 * None of it is worth a failed start.
 */
public final class Housekeeping {
    private static final int OOM_SCORE_MAX = 1000;

    private Housekeeping() {}

    /**
     * Puts this process in order, and what a later JVM of the shim has from the keeper: the core scheduling cookie,
     * which is that of the process group, the OOM score and the cgroup.
     *
     * @param coreScheduling whether it is to have a core scheduling cookie of its own
     * @param cgroup the cgroup that is meant for it, empty for that of its caller
     * @throws IOException if it cannot enter the cgroup
     */
    static void run(boolean coreScheduling, String cgroup) throws IOException {
        if (coreScheduling) {
            createCoreCookie();
        }
        ofEachJvm();
        var score = raisedOomScore();
        for (var pid : new TreeSet<>(List.of(ShimPid.get(), Processes.getpid()))) {
            setOomScore(pid, score);
            if (!cgroup.isEmpty()) {
                ShimCgroup.enter(cgroup, pid);
            }
        }
    }

    /** What no JVM has from the process that starts it. */
    static void ofEachJvm() {
        turnHugePagesOff();
        raiseOpenFiles();
    }

    /**
     * A shim or a bridge for all containers of a node needs more than the 1024 that is usual; what it starts does not
     * get more.
     */
    public static void raiseOpenFiles() {
        try {
            OpenFiles.raise();
        } catch (ErrnoException e) {
            ShimLog.warn("cannot raise the limit of open files", "error", e.getMessage());
        }
    }

    private static void createCoreCookie() {
        try {
            Processes.createCoreCookie();
        } catch (ErrnoException e) {
            ShimLog.warn("SCHED_CORE is set but there is no core scheduling here", "error", e.getMessage());
        }
    }

    private static void turnHugePagesOff() {
        try {
            HugePages.turnOff();
        } catch (ErrnoException e) {
            ShimLog.warn("cannot turn transparent huge pages off", "error", e.getMessage());
        }
    }

    /**
     * One more than containerd's, whose value a child inherits: so the kernel takes a shim before it takes containerd.
     * Containers whose spec sets none inherit it in turn, as they do from the Go shim.
     */
    private static @Nullable String raisedOomScore() {
        try {
            var inherited = Integer.parseInt(Files.readString(oomScore("self")).strip());
            return inherited < OOM_SCORE_MAX ? Integer.toString(inherited + 1) : null;
        } catch (IOException | NumberFormatException e) {
            ShimLog.warn("cannot read oom_score_adj", "error", e.getMessage());
            return null;
        }
    }

    private static void setOomScore(int pid, @Nullable String score) {
        if (score == null) {
            return;
        }
        try {
            Files.writeString(oomScore(Integer.toString(pid)), score);
        } catch (IOException e) {
            ShimLog.warn("cannot raise oom_score_adj", "error", e.getMessage());
        }
    }

    private static Path oomScore(String process) {
        return Path.of("/proc", process, "oom_score_adj");
    }
}
