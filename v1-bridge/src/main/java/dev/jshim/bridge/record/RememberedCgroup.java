package dev.jshim.bridge.record;

import com.google.protobuf.Message;
import dev.jshim.linux.ProcessId;
import dev.jshim.shim.cgroup.Cgroup;
import dev.jshim.task.ShimException;
import java.io.IOException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A container's cgroup, found by its init while that lives and kept: a container whose init has exited may still have
 * processes. A v1 shim has no stats, containerd read the cgroup itself.
 */
public final class RememberedCgroup implements Supplier<Message> {
    private final ProcessId init;
    private final AdoptedNotes notes;
    private @Nullable Cgroup cgroup;

    public RememberedCgroup(ProcessId init, AdoptedNotes notes) {
        this.init = init;
        this.notes = notes;
    }

    /** Its metrics. NOT_FOUND where there is no such cgroup any more, as from a v2 shim. */
    @Override
    public Message get() {
        try {
            return lastKnown().stats();
        } catch (IOException e) {
            throw new ShimException(ShimException.Kind.NOT_FOUND, "cgroup does not exist: " + e.getMessage(), e);
        }
    }

    /** Looks for it now, if it can be found. */
    public void remember() {
        try {
            cgroup();
        } catch (IOException | ShimException e) {
            // Asked again with the first metrics.
        }
    }

    /**
     * Where it is, or was when the container was adopted: another container may have taken its place since. For what
     * only looks.
     */
    public Cgroup lastKnown() throws IOException {
        try {
            return cgroup();
        } catch (IOException | ShimException e) {
            if (notes.cgroup().isEmpty()) {
                throw e;
            }
            return Cgroup.of(notes.cgroup());
        }
    }

    /**
     * Where it is.
     *
     * @throws ShimException NOT_FOUND where init had exited before anybody looked
     */
    public synchronized Cgroup cgroup() throws IOException {
        var found = cgroup;
        if (found == null) {
            found = Cgroup.of(init.pid());
            if (!init.isAlive()) {
                throw ShimException.notFound("cgroup does not exist");
            }
            cgroup = found;
        }
        return found;
    }
}
