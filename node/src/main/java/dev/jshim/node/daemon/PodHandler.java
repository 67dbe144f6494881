package dev.jshim.node.daemon;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.jshim.node.Answer;
import dev.jshim.task.Printable;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The runtime handler that a pod names, as CRI has it on record (v1.6.20, pkg/cri/store/sandbox/metadata.go): it is
 * asked for whenever a container is made in the pod.
 *
 * @param pod {@code namespace/name} as Kubernetes knows it
 * @param handler empty for the default one
 */
public record PodHandler(String pod, String handler) {
    private static final String CRI = "k8s.io";
    private static final String METADATA = "io.cri-containerd.sandbox.metadata";

    /** Those of all pods that a containerd has on record, whether they run or not. */
    public static Answer<List<PodHandler>> of(ContainerdClient containerd) {
        return containerd.containers(CRI).map(records -> {
            List<PodHandler> pods = new ArrayList<>();
            for (var record : records) {
                var pod = of(record);
                if (pod != null) {
                    pods.add(pod);
                }
            }
            return pods;
        });
    }

    /** Null for what is no pod, and for a record that cannot be read. */
    static @Nullable PodHandler of(ContainerRecord record) {
        var metadata = record.extensions().get(METADATA);
        if (metadata == null) {
            return null;
        }
        try {
            if (JsonParser.parseString(metadata.getValue().toStringUtf8()) instanceof JsonObject all
                    && all.get("Metadata") instanceof JsonObject pod) {
                var handler = pod.get("RuntimeHandler");
                return new PodHandler(
                        Printable.of(name(pod, record.id())),
                        handler == null || handler.isJsonNull() ? "" : handler.getAsString());
            }
        } catch (JsonParseException | IllegalStateException | UnsupportedOperationException e) {
            // Not of a form that we know: nothing can be said of it.
        }
        return null;
    }

    private static String name(JsonObject pod, String id) {
        if (pod.get("Config") instanceof JsonObject config
                && config.get("metadata") instanceof JsonObject names
                && names.has("name")
                && names.has("namespace")) {
            return names.get("namespace").getAsString() + "/"
                    + names.get("name").getAsString();
        }
        return id;
    }
}
