package dev.jshim.shim.oci;

import com.google.protobuf.ByteString;
import dev.jshim.shim.task.ShimException;
import java.io.IOException;
import java.nio.file.Files;

/** New limits for a container. */
record ResourceUpdate(Container container) {
    /**
     * Has the runtime set them.
     *
     * @param resources JSON of the spec's LinuxResources; what is wrong with it the runtime says
     */
    void apply(ByteString resources) {
        try {
            // A file, since what the runtime reads from a pipe would have to be written while it runs.
            var file = Files.createTempFile(container.bundle(), "resources-", ".json");
            try {
                Files.write(file, resources.toByteArray());
                container.runc().update(container.id(), file);
            } finally {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new ShimException(ShimException.Kind.UNKNOWN, "update failed: " + e.getMessage(), e);
        }
    }
}
