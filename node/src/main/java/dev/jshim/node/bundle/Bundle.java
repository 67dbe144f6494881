package dev.jshim.node.bundle;

import dev.jshim.node.process.ProcFs;
import dev.jshim.task.ShimSocket;
import dev.jshim.task.TaskId;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A directory that containerd made for a task, as it was when it was read. Pids are what files say: whether such a
 * process lives, and still is the one meant, is for {@link ProcFs} to tell.
 */
public sealed interface Bundle permits V1Bundle, V2Bundle {
    TaskId task();

    /** The state bundle. */
    Path path();

    /** The work directory, whether it exists or not. */
    Path work();

    /** From {@code init.pid}; 0 if there is none. */
    int initPid();

    /** From {@code shim.pid}; 0 if there is none, as for v1 shims before 1.3.9 and for most v2 shims. */
    int recordedShimPid();

    OciConfig config();

    /** Which container of which pod it is; null if it is none. */
    default OciConfig.@Nullable Pod pod() {
        return config() instanceof OciConfig.Spec spec ? spec.pod() : null;
    }

    /** Where its shim listens; null if nothing says so. */
    @Nullable
    ShimSocket socket();

    /** {@code v1}, {@code v2} or {@code v3}. */
    String api();

    /** The runtime's name as containerd would have it, as far as the bundle shows it; else empty. */
    String runtime();

    /** What is wrong with it, a sentence each. */
    List<String> problems();
}
