package dev.jshim.node.shim;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.jshim.node.SmallFile;
import dev.jshim.node.bundle.Bundle;
import dev.jshim.node.bundle.V1Bundle;
import dev.jshim.node.process.ProcessFacts;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import org.jspecify.annotations.Nullable;

/**
 * The OCI runtime of a container: which binary, and where it keeps its state.
 *
 * @param binary a name to be found in PATH, or a path
 * @param root without the namespace
 */
public record OciRuntime(String binary, Path root) {
    private static final Path DEFAULT_ROOT = Path.of(ShimFlags.DEFAULT_RUNTIME_ROOT);

    /**
     * As far as bundle and shim tell: a v1 shim by its flags (the binary is in no file of v1), a runc shim by the files
     * {@code runtime} and {@code options.json} that it leaves in its bundle (2.1.4, cmd/containerd-shim-runc-v2/runc/
     * container.go), and runc with its defaults otherwise.
     *
     * @param shim null if it is gone
     */
    public static OciRuntime of(Bundle bundle, @Nullable ProcessFacts shim) {
        if (bundle instanceof V1Bundle) {
            var flags = shim == null ? null : ShimFlags.parse(shim.argv());
            return new OciRuntime("runc", path(flags == null ? "" : flags.runtimeRoot()));
        }
        var ignored = new ArrayList<String>();
        var binary = SmallFile.text(bundle.path().resolve("runtime"), ignored);
        var root = SmallFile.text(bundle.path().resolve("runtime-root"), ignored);
        return new OciRuntime(
                binary == null || binary.isEmpty() ? "runc" : binary,
                root == null ? path(optionsRoot(bundle.path())) : withoutNamespace(path(root), bundle.task()));
    }

    /** What the runtime keeps of a task; null if it keeps nothing. */
    public @Nullable RuntimeState state(TaskId task) {
        return RuntimeState.read(root, task);
    }

    private static String optionsRoot(Path bundle) {
        try {
            var bytes = SmallFile.bytes(bundle.resolve("options.json"), 64 * 1024);
            if (bytes != null
                    && JsonParser.parseString(new String(bytes, StandardCharsets.UTF_8)) instanceof JsonObject options
                    && options.has("root")) {
                return options.get("root").getAsString();
            }
        } catch (IOException | JsonParseException | IllegalStateException | UnsupportedOperationException e) {
            return "";
        }
        return "";
    }

    /** What jshim's own shim writes down is the runtime's root for this namespace. */
    private static Path withoutNamespace(Path root, TaskId task) {
        var parent = root.getParent();
        return parent != null && root.endsWith(task.namespace()) ? parent : root;
    }

    private static Path path(String root) {
        try {
            return root.startsWith("/") ? Path.of(root) : DEFAULT_ROOT;
        } catch (InvalidPathException e) {
            return DEFAULT_ROOT;
        }
    }
}
