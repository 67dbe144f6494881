package dev.jshim.node;

import dev.jshim.task.TaskId;
import java.nio.file.Path;

/**
 * Where a containerd keeps what outlives it. {@code root} survives a reboot, {@code state} need not; both are
 * containerd's own settings of these names (config.toml), and absolute.
 */
public record NodePaths(Path root, Path state) {
    /** The v1 runtime's plugin id, also the name of its directories and of the runtime in container records. */
    public static final String V1_RUNTIME = "io.containerd.runtime.v1.linux";

    /** The v2 task plugin's id and directory name. */
    public static final String V2_TASKS = "io.containerd.runtime.v2.task";

    private static final NodePaths DEFAULTS = new NodePaths(Path.of("/var/lib/containerd"), Path.of("/run/containerd"));

    public NodePaths {
        if (!root.isAbsolute() || !state.isAbsolute()) {
            throw new IllegalArgumentException("root and state must be absolute paths: " + root + ", " + state);
        }
        root = root.normalize();
        state = state.normalize();
    }

    /** containerd's own defaults. */
    public static NodePaths defaults() {
        return DEFAULTS;
    }

    /** The directory with a folder for each namespace of v1 bundles. */
    public Path v1State() {
        return state.resolve(V1_RUNTIME);
    }

    /** The directory with a folder for each namespace of v1 work directories. */
    public Path v1Work() {
        return root.resolve(V1_RUNTIME);
    }

    /** The directory with a folder for each namespace of v2 bundles. */
    public Path v2State() {
        return state.resolve(V2_TASKS);
    }

    /** The directory with a folder for each namespace of v2 work directories. */
    public Path v2Work() {
        return root.resolve(V2_TASKS);
    }

    public Path v1Bundle(TaskId task) {
        return v1State().resolve(task.namespace()).resolve(task.id());
    }

    public Path v1Work(TaskId task) {
        return v1Work().resolve(task.namespace()).resolve(task.id());
    }

    public Path v2Bundle(TaskId task) {
        return v2State().resolve(task.namespace()).resolve(task.id());
    }

    public Path v2Work(TaskId task) {
        return v2Work().resolve(task.namespace()).resolve(task.id());
    }
}
