package dev.jshim.node.shim;

import dev.jshim.node.bundle.Bundle;
import dev.jshim.node.bundle.OciConfig;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.process.ProcessFacts;
import org.jspecify.annotations.Nullable;

/** Whether a process is the init of a container, or has only got its pid after it: pids are used again. */
public enum InitCheck {
    /** Pid and start time are those that the runtime wrote down, or it is in the container's cgroup. */
    SAME,
    /** Another process has the pid now. */
    OTHER,
    /** Nothing shows which it is. */
    UNKNOWN;

    /**
     * Compares a process that {@code init.pid} names with what else is known. The runtime's start time decides; where
     * it left none, the cgroup that config.json asks for.
     */
    public static InitCheck of(ProcessFacts process, Bundle bundle, @Nullable RuntimeState runtime, ProcFs proc) {
        if (runtime != null && !runtime.isOf(bundle)) {
            // a runtime keeps one container of an id: ours is gone
            return OTHER;
        }
        var recorded = runtime == null ? null : runtime.init();
        if (recorded != null) {
            return recorded.equals(process.ref()) ? SAME : OTHER;
        }
        if (!(bundle.config() instanceof OciConfig.Spec spec)
                || spec.cgroupsPath().isEmpty()) {
            return UNKNOWN;
        }
        var lines = proc.cgroups(process.pid());
        if (lines.isEmpty()) {
            return UNKNOWN;
        }
        var directories = directories(spec.cgroupsPath());
        return lines.stream().anyMatch(line -> isBelow(line, directories)) ? SAME : OTHER;
    }

    /**
     * Whether a line {@code hierarchy:controllers:path} leads through these directories, below whatever is our root.
     */
    private static boolean isBelow(String line, String directories) {
        return (line.substring(line.indexOf(':', line.indexOf(':') + 1) + 1) + "/").contains(directories + "/");
    }

    /** Of {@code /ns/id} all of it, since an id alone may be any directory's name; of systemd's form the unit. */
    private static String directories(String cgroupsPath) {
        var systemd = cgroupsPath.split(":", -1);
        if (systemd.length == 3) {
            return "/" + (systemd[1].isEmpty() ? "" : systemd[1] + "-") + systemd[2] + ".scope";
        }
        return cgroupsPath.startsWith("/") ? cgroupsPath : "/" + cgroupsPath;
    }
}
