package dev.jshim.node.daemon;

import com.google.protobuf.Any;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A container as containerd has it on record.
 *
 * @param runtime the runtime's name; the record of an old container names the v1 runtime forever
 * @param runtimeOptions of a type that depends on the runtime; null if there are none
 * @param extensions what clients such as CRI have added, by its name
 */
public record ContainerRecord(
        String id,
        String runtime,
        @Nullable Any runtimeOptions,
        String image,
        Map<String, String> labels,
        Map<String, Any> extensions) {
    public ContainerRecord {
        labels = Map.copyOf(labels);
        extensions = Map.copyOf(extensions);
    }
}
