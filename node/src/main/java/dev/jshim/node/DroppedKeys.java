package dev.jshim.node;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.tomlj.TomlTable;

/**
 * Finds in a containerd 1.x configuration what 2.x does not know any more, and what selects runtimes that it has not
 * (2.1.4, RELEASES.md, "Deprecated config properties"). Goes by the last part of a key, so that it holds for all
 * versions of the file.
 */
public final class DroppedKeys {
    private static final String V1_CONTAINERS = "every container that is started by it fails to start on 2.x";

    /** What 2.0 removed: the key, and what takes its place. */
    private static final Map<String, String> REMOVED = Map.of(
            "systemd_cgroup", "set SystemdCgroup in the runtime's options",
            "untrusted_workload_runtime", "make a runtime \"untrusted\" in the section runtimes",
            "default_runtime", "use default_runtime_name",
            "runtime_engine", "use a v2 runtime and BinaryName in its options",
            "runtime_root", "use Root in the runtime's options",
            "disable_cgroup", "use delegation of cgroup v2",
            "CriuPath", "put criu into containerd's PATH");

    /** What 2.x still reads, and a later one will not. */
    private static final Map<String, String> TO_BE_REMOVED =
            Map.of("auths", "use image pull secrets", "configs", "use config_path", "mirrors", "use config_path");

    private final Path file;
    private final List<Dropped> found = new ArrayList<>();

    private DroppedKeys(Path file) {
        this.file = file;
    }

    /**
     * A key of the file.
     *
     * @param where {@code FILE:LINE}
     * @param fatal whether 2.x does without it today
     */
    public record Dropped(String where, String key, boolean fatal, String why, String todo) {}

    /**
     * Looks through one file, not through what it imports.
     *
     * @throws IOException for one that cannot be read or understood
     */
    public static List<Dropped> of(Path file) throws IOException {
        var toml = DaemonConfigReader.toml(file);
        if (toml.hasErrors()) {
            throw new IOException(file + ": "
                    + Printable.of(String.valueOf(toml.errors().getFirst().getMessage())));
        }
        var keys = new DroppedKeys(file);
        keys.table(toml, List.of());
        return List.copyOf(keys.found);
    }

    private void table(TomlTable table, List<String> path) {
        for (var name : table.keySet()) {
            var key = new ArrayList<>(path);
            key.add(name);
            var value = table.get(List.of(name));
            look(table, key, value);
            if (value instanceof TomlTable inner) {
                table(inner, key);
            }
        }
    }

    private void look(TomlTable table, List<String> key, @Nullable Object value) {
        var name = key.getLast();
        var inPlugins = key.size() > 2 && key.getFirst().equals("plugins");
        if (value instanceof String text && isV1Runtime(text)) {
            add(table, key, true, "it selects the runtime " + text + ": " + V1_CONTAINERS, "use io.containerd.runc.v2");
        } else if (key.equals(List.of("plugins", "linux")) || key.equals(List.of("plugins", NodePaths.V1_RUNTIME))) {
            add(
                    table,
                    key,
                    false,
                    "2.x has no v1 runtime and passes over its section; old containers took their OCI program from it",
                    "migrate first (\"jshimctl migrate plan\"), then remove it");
        } else if (isV1Section(key)) {
            return;
        } else if (inPlugins && REMOVED.containsKey(name) && isSet(value) && !isEmptyRuntime(value)) {
            add(table, key, true, "containerd 2.0 removed it, and passes over it", REMOVED.getOrDefault(name, ""));
        } else if (inPlugins && key.contains("registry") && TO_BE_REMOVED.containsKey(name) && isSet(value)) {
            add(table, key, false, "containerd 2.2 is to remove it", TO_BE_REMOVED.getOrDefault(name, ""));
        } else if (name.equals("snapshotter") && "aufs".equals(value)) {
            add(table, key, true, "containerd 2.0 has no aufs", "use overlayfs");
        }
    }

    private static boolean isV1Section(List<String> key) {
        return key.size() > 2 && (key.get(1).equals("linux") || key.get(1).equals(NodePaths.V1_RUNTIME));
    }

    private static boolean isV1Runtime(String text) {
        return text.equals(NodePaths.V1_RUNTIME) || text.equals("io.containerd.runc.v1");
    }

    /** What "containerd config default" of 1.x writes for all keys, empty, does no harm. */
    private static boolean isSet(@Nullable Object value) {
        return switch (value) {
            case null -> false;
            case String text -> !text.isEmpty();
            case Boolean bool -> bool;
            case TomlTable table -> !table.isEmpty();
            default -> true;
        };
    }

    /** 1.x's default file has whole tables for runtimes whose type is empty. */
    private static boolean isEmptyRuntime(@Nullable Object value) {
        return value instanceof TomlTable table && "".equals(table.getString("runtime_type"));
    }

    private void add(TomlTable table, List<String> key, boolean fatal, String why, String todo) {
        var position = table.inputPositionOf(List.of(key.getLast()));
        found.add(new Dropped(
                position == null ? file.toString() : file + ":" + position.line(),
                String.join(".", key),
                fatal,
                why,
                todo));
    }
}
