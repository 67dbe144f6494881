package dev.jshim.shim.oci;

import dev.jshim.linux.ExitedChild;
import dev.jshim.shim.cgroup.Cgroup;
import dev.jshim.shim.log.ShimLog;
import java.io.IOException;
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

    private static @Nullable Cgroup cgroup(int pid) {
        try {
            return Cgroup.of(pid);
        } catch (IOException e) {
            ShimLog.warn("cannot find the cgroup", "pid", pid, "error", e.getMessage());
            return null;
        }
    }
}
