package dev.jshim.bridge.record;

import com.google.protobuf.Message;
import dev.jshim.linux.ProcessId;
import dev.jshim.shim.cgroup.Cgroup;
import dev.jshim.task.ShimException;
import java.io.IOException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A container's cgroup. It is found by init as long as that lives, and remembered: a container whose init has exited
 * may still have processes. A v1 shim has no metrics; the old containerd read the cgroup itself. Thread-safe.
 */
public final class RememberedCgroup implements Supplier<Message> {
    private final ProcessId init;
    private final AdoptedNotes notes;
    private @Nullable Cgroup cgroup;

    public RememberedCgroup(ProcessId init, AdoptedNotes notes) {
        this.init = init;
        this.notes = notes;
    }

    /** Its metrics. NOT_FOUND if the cgroup does not exist any more, as from a v2 shim. */
    @Override
    public Message get() {
        try {
            return lastKnown().stats();
        } catch (IOException e) {
            throw new ShimException(ShimException.Kind.NOT_FOUND, "cgroup does not exist: " + e.getMessage(), e);
        }
    }

    /** Finds it now, if that is possible. */
    public void remember() {
        try {
            cgroup();
        } catch (IOException | ShimException e) {
            // The first call for metrics tries again.
        }
    }

    /**
     * The cgroup as it is, or as it was when the container was adopted: another container may have the same path by
     * now. For reading only.
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
     * The cgroup as it is.
     *
     * @throws ShimException NOT_FOUND if init had exited before the first call
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
