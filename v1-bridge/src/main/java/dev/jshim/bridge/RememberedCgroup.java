package dev.jshim.bridge;

import com.google.protobuf.Message;
import dev.jshim.node.ProcessRef;
import dev.jshim.shim.cgroup.Cgroup;
import dev.jshim.shim.task.ShimException;
import java.io.IOException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A container's cgroup, found by its init while that lives and kept: a container whose init has exited may still have
 * processes. A v1 shim has no stats, containerd read the cgroup itself.
 */
final class RememberedCgroup implements Supplier<Message> {
    private final ProcessRef init;
    private @Nullable Cgroup cgroup;

    RememberedCgroup(ProcessRef init) {
        this.init = init;
    }

    /** Its metrics. NOT_FOUND where there is no such cgroup any more, as from a v2 shim. */
    @Override
    public Message get() {
        try {
            return cgroup().stats();
        } catch (IOException e) {
            throw new ShimException(ShimException.Kind.NOT_FOUND, "cgroup does not exist: " + e.getMessage(), e);
        }
    }

    /** Looks for it now, if it can be found. */
    void remember() {
        try {
            cgroup();
        } catch (IOException | ShimException e) {
            // Asked again with the first metrics.
        }
    }

    /**
     * Where it is.
     *
     * @throws ShimException NOT_FOUND where init had exited before anybody looked
     */
    synchronized Cgroup cgroup() throws IOException {
        var found = cgroup;
        if (found == null) {
            found = Cgroup.of(init.pid());
            if (!LiveProcess.isAlive(init)) {
                throw ShimException.notFound("cgroup does not exist");
            }
            cgroup = found;
        }
        return found;
    }
}
