package dev.jshim.node.survey;

import dev.jshim.node.process.ProcFs;
import dev.jshim.node.process.ProcessFacts;
import dev.jshim.node.shim.ShimProcesses;
import dev.jshim.task.TaskId;
import org.jspecify.annotations.Nullable;

/**
 * The task that a process of the host belongs to.
 *
 * @param by what showed it, in words
 * @param initPid 0 if init does not live
 * @param shim null if none was found
 */
public record ProcessOwner(
        TaskId task,
        Role role,
        String by,
        int initPid,
        @Nullable ProcessFacts shim) {
    private static final int MOST_PARENTS = 64;

    /** What it is to the task. */
    public enum Role {
        SHIM,
        INIT,
        PROCESS;

        /** In lower case. */
        public String label() {
            return switch (this) {
                case SHIM -> "shim";
                case INIT -> "init";
                case PROCESS -> "process";
            };
        }
    }

    /** Finds the owner without asking any shim; null if there is none on this node. */
    public static @Nullable ProcessOwner of(ProcessFacts process, Node node, ProcFs proc) {
        var processes = new ShimProcesses(proc);
        for (var bundle : node.bundles()) {
            var shim = processes.of(bundle);
            var init = processes.verifiedInit(bundle, shim);
            var initPid = init == null ? 0 : init.pid();
            if (shim != null && shim.ref().equals(process.ref())) {
                return new ProcessOwner(bundle.task(), Role.SHIM, "it is the shim", initPid, shim);
            }
            if (shim != null && process.isJvmOf(shim)) {
                return new ProcessOwner(bundle.task(), Role.SHIM, "it is the shim's JVM", initPid, shim);
            }
            if (init == null) {
                continue;
            }
            if (init.ref().equals(process.ref())) {
                return new ProcessOwner(bundle.task(), Role.INIT, "init.pid names it", initPid, shim);
            }
            var by = bond(process, init, proc);
            if (by != null) {
                return new ProcessOwner(bundle.task(), Role.PROCESS, by, initPid, shim);
            }
        }
        return null;
    }

    /** What binds a process to a container's init; null if nothing does. */
    private static @Nullable String bond(ProcessFacts process, ProcessFacts init, ProcFs proc) {
        var own = proc.cgroups(init.pid());
        for (var line : proc.cgroups(process.pid())) {
            var path = line.substring(line.lastIndexOf(':') + 1);
            if (path.length() > 1 && own.contains(line)) {
                // init's cgroup may be one that others are in too, if the runtime was to make none
                return isShared(path, proc) ? null : "it is in the cgroup " + path;
            }
        }
        var parent = process;
        for (var i = 0; i < MOST_PARENTS && parent != null && parent.ppid() > 1; i++) {
            if (parent.ppid() == init.pid()) {
                return "init is among its parents";
            }
            parent = proc.facts(parent.ppid());
        }
        return null;
    }

    /** Whether pid 1 or we ourselves are in it. */
    private static boolean isShared(String path, ProcFs proc) {
        var suffix = ":" + path;
        return proc.cgroups(1).stream().anyMatch(line -> line.endsWith(suffix))
                || proc.cgroups((int) ProcessHandle.current().pid()).stream().anyMatch(line -> line.endsWith(suffix));
    }
}
