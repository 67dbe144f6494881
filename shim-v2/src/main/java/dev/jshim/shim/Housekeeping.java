package dev.jshim.shim;

import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.HugePages;
import dev.jshim.linux.OpenFiles;
import dev.jshim.linux.Processes;
import dev.jshim.shim.log.ShimLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What a shim does to its own process before it serves (manager/manager_linux.go Start, pkg/shim/util_unix.go, v2.1.4).
 * None of it is worth a failed start.
 */
final class Housekeeping {
    private static final Path OOM_SCORE = Path.of("/proc/self/oom_score_adj");
    private static final int OOM_SCORE_MAX = 1000;

    private Housekeeping() {}

    /**
     * Puts this process in order.
     *
     * @param coreScheduling whether it is to have a core scheduling cookie of its own
     */
    static void run(boolean coreScheduling) {
        if (coreScheduling) {
            createCoreCookie();
        }
        turnHugePagesOff();
        raiseOomScore();
        raiseOpenFiles();
    }

    /** A shim for all containers of a node needs more than the 1024 that is usual; what it starts does not get more. */
    private static void raiseOpenFiles() {
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
    private static void raiseOomScore() {
        try {
            var inherited = Integer.parseInt(Files.readString(OOM_SCORE).strip());
            if (inherited < OOM_SCORE_MAX) {
                Files.writeString(OOM_SCORE, Integer.toString(inherited + 1));
            }
        } catch (IOException | NumberFormatException e) {
            ShimLog.warn("cannot raise oom_score_adj", "error", e.getMessage());
        }
    }
}
