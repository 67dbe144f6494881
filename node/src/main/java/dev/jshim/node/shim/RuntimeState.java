package dev.jshim.node.shim;

import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import dev.jshim.linux.ProcessId;
import dev.jshim.node.SmallFile;
import dev.jshim.node.bundle.Bundle;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the OCI runtime keeps of a container: runc's {@code state.json} (runc 1.1, libcontainer/container_linux.go) or
 * crun's {@code status} (crun 1.8, src/libcrun/status.c). Unlike {@code init.pid} it holds the start time of init.
 *
 * @param directory where it was found
 * @param init pid and start time; null if it says none
 * @param bundle the bundle that it was made from; null if it does not say
 * @param cgroups the directories of its cgroups; empty if it says none
 */
public record RuntimeState(
        Path directory, @Nullable ProcessId init, @Nullable Path bundle, List<Path> cgroups) {
    private static final String BUNDLE = "bundle=";

    private static final int MAX_BYTES = 4 * 1024 * 1024;

    public RuntimeState {
        cgroups = List.copyOf(cgroups);
    }

    /** The state of a task below a runtime's root, such as {@code /run/containerd/runc}; null if there is none. */
    public static @Nullable RuntimeState read(Path runtimeRoot, TaskId task) {
        return read(runtimeRoot.resolve(task.namespace()).resolve(task.id()));
    }

    /** The state in a container's own directory; null if there is none, or it cannot be read. */
    public static @Nullable RuntimeState read(Path directory) {
        for (var file : List.of("state.json", "status")) {
            try {
                var bytes = SmallFile.bytes(directory.resolve(file), MAX_BYTES);
                if (bytes != null) {
                    return parse(directory, new String(bytes, StandardCharsets.UTF_8));
                }
            } catch (IOException | IllegalStateException | IllegalArgumentException e) {
                return null;
            }
        }
        return null;
    }

    /** Whether it is of this bundle, and not of one that another containerd has under the same namespace and id. */
    public boolean isOf(Bundle other) {
        var from = bundle;
        if (from == null) {
            return init != null && init.pid() == other.initPid();
        }
        return from.equals(other.path()) || real(from).equals(real(other.path()));
    }

    private static Path real(Path path) {
        try {
            return path.toRealPath();
        } catch (IOException e) {
            return path;
        }
    }

    private static RuntimeState parse(Path directory, String text) throws IOException {
        var pid = 0;
        var start = 0L;
        var bundle = "";
        var cgroups = new ArrayList<Path>();
        try (var json = new JsonReader(new StringReader(text))) {
            json.beginObject();
            while (json.hasNext()) {
                switch (json.nextName()) {
                    case "init_process_pid", "pid" -> pid = json.nextInt();
                    case "init_process_start", "process-start-time" -> start = json.nextLong();
                    case "bundle" -> bundle = json.nextString();
                    case "config" -> bundle = bundle(json);
                    case "cgroup_paths" -> paths(json, cgroups);
                    default -> json.skipValue();
                }
            }
            json.endObject();
        }
        return new RuntimeState(
                directory,
                pid > 0 && start > 0 ? new ProcessId(pid, start) : null,
                bundle.startsWith("/") ? Path.of(bundle).normalize() : null,
                cgroups);
    }

    /** runc keeps it as a label of its configuration. */
    private static String bundle(JsonReader json) throws IOException {
        var bundle = "";
        json.beginObject();
        while (json.hasNext()) {
            if (!json.nextName().equals("labels") || json.peek() != JsonToken.BEGIN_ARRAY) {
                json.skipValue();
                continue;
            }
            json.beginArray();
            while (json.hasNext()) {
                var label = json.nextString();
                bundle = label.startsWith(BUNDLE) ? label.substring(BUNDLE.length()) : bundle;
            }
            json.endArray();
        }
        json.endObject();
        return bundle;
    }

    private static void paths(JsonReader json, List<Path> out) throws IOException {
        if (json.peek() != JsonToken.BEGIN_OBJECT) {
            json.skipValue();
            return;
        }
        json.beginObject();
        while (json.hasNext()) {
            var _ = json.nextName();
            if (json.peek() != JsonToken.STRING) {
                json.skipValue();
                continue;
            }
            var path = json.nextString();
            if (path.startsWith("/") && path.indexOf('\0') < 0) {
                out.add(Path.of(path));
            }
        }
        json.endObject();
    }
}
