package dev.jshim.node;

import org.jspecify.annotations.Nullable;

/** Whether a process is the init of a container, or has only got its pid after it: pids are used again. */
public enum InitCheck {
    /** Pid and start time are those that the runtime wrote down, or it is in the container's cgroup. */
    SAME,
    /** Another process has the pid now. */
    OTHER,
    /** Nothing tells. */
    UNKNOWN;

    /**
     * Compares a process that {@code init.pid} names with what else is known. The runtime's start time decides; where
     * it left none, the cgroup that config.json asks for.
     */
    public static InitCheck of(ProcessFacts process, Bundle bundle, @Nullable RuntimeState runtime, ProcFs proc) {
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
        var name = leaf(spec.cgroupsPath());
        return lines.stream().anyMatch(line -> isBelow(line, name)) ? SAME : OTHER;
    }

    /** Whether a line {@code hierarchy:controllers:path} has a directory, or a systemd scope, of that name. */
    private static boolean isBelow(String line, String name) {
        for (var part : line.substring(line.lastIndexOf(':') + 1).split("/", -1)) {
            if (part.equals(name) || part.endsWith("-" + name + ".scope")) {
                return true;
            }
        }
        return false;
    }

    /** The last part of {@code /ns/id}, and of systemd's {@code slice:prefix:id}, whose unit is named after it. */
    private static String leaf(String cgroupsPath) {
        return cgroupsPath.substring(Math.max(cgroupsPath.lastIndexOf('/'), cgroupsPath.lastIndexOf(':')) + 1);
    }
}
