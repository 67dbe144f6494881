package dev.jshim.node.bundle;

import dev.jshim.node.NodePaths;
import dev.jshim.task.ShimSocket;
import dev.jshim.task.TaskId;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A bundle of a v2 shim (2.1.4, core/runtime/v2/bundle.go).
 *
 * @param shimBinary of {@code shim-binary-path}, in its own bundle or that of its sandbox; null if there is no such
 *     file (before 1.6)
 */
public record V2Bundle(
        TaskId task,
        Path path,
        Path work,
        int initPid,
        int recordedShimPid,
        OciConfig config,
        Endpoint endpoint,
        @Nullable Path shimBinary,
        List<String> problems)
        implements Bundle {
    /** The name of the binary that containerd runs for records that name the v1 runtime. */
    public static final String BRIDGE_BINARY = "containerd-shim-v1-linux";

    public V2Bundle {
        problems = List.copyOf(problems);
    }

    /**
     * How to speak with the shim.
     *
     * @param socket null if nothing says so
     * @param version of the task API, 2 or 3
     */
    public record Endpoint(@Nullable ShimSocket socket, int version, Protocol protocol) {}

    /** The transport of a v2 shim. */
    public enum Protocol {
        TTRPC,
        GRPC
    }

    @Override
    public @Nullable ShimSocket socket() {
        return endpoint.socket();
    }

    /**
     * Whether its record names the v1 runtime: the bridge serves it for a v1 shim, if there is one, or it was started
     * again under that name.
     */
    public boolean hasLegacyName() {
        var binary = shimBinary;
        return binary != null && binary.endsWith(BRIDGE_BINARY);
    }

    @Override
    public String api() {
        return "v" + endpoint.version();
    }

    @Override
    public String runtime() {
        var binary = shimBinary;
        if (binary == null) {
            return "";
        }
        var name = String.valueOf(binary.getFileName());
        return switch (name) {
            case "containerd-shim-v2-oci" -> "io.containerd.runtime.v2.oci";
            case BRIDGE_BINARY -> NodePaths.V1_RUNTIME;
            default -> {
                // containerd-shim-runc-v2 is io.containerd.runc.v2 (2.1.4, pkg/shim/util.go, BinaryName)
                var parts = name.split("-", -1);
                yield name.startsWith("containerd-shim-") && parts.length == 4
                        ? "io.containerd." + parts[2] + "." + parts[3]
                        : name;
            }
        };
    }
}
