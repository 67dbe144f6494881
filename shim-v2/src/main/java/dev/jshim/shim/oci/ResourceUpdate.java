package dev.jshim.shim.oci;

import com.google.protobuf.ByteString;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import dev.jshim.task.ShimException;
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
            // From a file, since into a pipe it would have to be written while the runtime runs.
            var file = Files.createTempFile(container.bundle(), "resources-", ".json");
            try {
                Files.write(file, resources.toByteArray());
                try (var open = FileCalls.open(file, OpenFlags.O_RDONLY | OpenFlags.O_CLOEXEC, 0)) {
                    container.runc().update(container.id(), open);
                }
            } finally {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new ShimException(ShimException.Kind.UNKNOWN, "update failed: " + e.getMessage(), e);
        }
    }
}
