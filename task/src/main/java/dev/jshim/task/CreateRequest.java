package dev.jshim.task;

import com.google.protobuf.Any;
import dev.jshim.proto.v1.types.Mount;
import java.nio.file.Path;
import java.util.List;

/**
 * A container to be created.
 *
 * @param rootfs mounts to be made at the bundle's rootfs, in order; may be empty
 * @param checkpoint directory of a checkpoint to restore from, empty for none
 * @param options the runtime's options as they came, possibly the default instance
 */
public record CreateRequest(
        String id,
        Path bundle,
        List<Mount> rootfs,
        Stdio stdio,
        String checkpoint,
        String parentCheckpoint,
        Any options) {
    public CreateRequest {
        rootfs = List.copyOf(rootfs);
    }
}
