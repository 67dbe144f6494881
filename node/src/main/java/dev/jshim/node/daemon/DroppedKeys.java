package dev.jshim.node.daemon;

import dev.jshim.node.NodePaths;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.tomlj.TomlArray;
import org.tomlj.TomlTable;

/**
 * Finds in a containerd 1.x configuration what 2.x does not know any more, and what selects runtimes that it has not
 * (2.1.4, RELEASES.md, "Deprecated config properties"). Goes by the last part of a key, so that it holds for all
 * versions of the file.
 */
final class DroppedKeys {
    private static final String RUNC_V1 = "io.containerd.runc.v1";

    /** What 2.0 removed: the key, and what takes its place. */
    private static final Map<String, String> REMOVED = Map.of(
            "systemd_cgroup", "set SystemdCgroup in the runtime's options",
            "untrusted_workload_runtime", "add a runtime \"untrusted\" to the section runtimes",
            "default_runtime", "use default_runtime_name",
            "runtime_engine", "use a v2 runtime and BinaryName in its options",
            "runtime_root", "use Root in the runtime's options",
            "disable_cgroup", "use delegation of cgroup v2",
            "CriuPath", "install criu in containerd's PATH");

    /** What 2.x still reads, and a later one will not. */
    private static final Map<String, String> TO_BE_REMOVED =
            Map.of("auths", "use image pull secrets", "configs", "use config_path", "mirrors", "use config_path");

    /** Options of the v1 runtime, and what they are called in those of runc's v2 shim. */
    private static final Map<String, String> V1_OPTIONS = Map.of("Runtime", "BinaryName", "RuntimeRoot", "Root");

    /** What 2.3 has as settings of plugins, in a file of version 4: the table, and the keys of it that are. */
    private static final Map<String, Set<String>> SERVERS = Map.of(
            "grpc", Set.of(),
            "ttrpc", Set.of(),
            "metrics", Set.of(),
            "debug", Set.of("address", "uid", "gid"));

    /** Plugins of 1.x that a file may demand, by either of their names. */
    private static final Set<String> GONE = Set.of(
            "linux", NodePaths.V1_RUNTIME, "aufs", "io.containerd.snapshotter.v1.aufs", "io.containerd.runtime.v1");

    private static final String V1_NAME =
            "2.x runs the program containerd-shim-v1-linux for these containers, and only jshim has it";
    private static final String V1_OPTION = "an option of the v1 runtime that runc's v2 shim does not have";
    private static final String V1_SECTION =
            "2.x has no v1 runtime and ignores its section; old containers took their OCI program from it";

    private final Path file;
    private final long version;
    private final Set<String> v1Handlers;
    private final boolean hasServers;
    private final List<ConfigFinding> found = new ArrayList<>();

    /**
     * @param hasServers whether the file itself says that it is of a version in which {@link #SERVERS} are elsewhere
     */
    private DroppedKeys(Path file, long version, Set<String> v1Handlers, boolean hasServers) {
        this.file = file;
        this.version = version;
        this.v1Handlers = v1Handlers;
        this.hasServers = hasServers;
    }

    /**
     * Looks through one file, not through what it imports.
     *
     * @param version of the file: its own, or that of the file that imports it
     * @param v1Handlers names of the handlers whose type is the v1 runtime: its options are theirs
     */
    static List<ConfigFinding> of(Path file, TomlTable toml, long version, Set<String> v1Handlers) {
        var hasServers = RuntimeHandlers.version(toml, 0) >= DaemonConfig.SERVER_PLUGINS;
        var keys = new DroppedKeys(file, version, v1Handlers, hasServers);
        keys.table(toml, List.of());
        return List.copyOf(keys.found);
    }

    /** Looks through one file for what is of the v1 runtime alone: its section, its name, its options. */
    static List<ConfigFinding> ofV1Runtime(Path file, TomlTable toml) {
        return of(file, toml, 0, Set.of()).stream()
                .filter(found -> Set.of(V1_NAME, V1_OPTION, V1_SECTION).contains(found.why()))
                .map(found -> found.why().equals(V1_SECTION)
                        ? new ConfigFinding(found.where(), found.key(), false, V1_SECTION, "remove it")
                        : found)
                .toList();
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
        if (value instanceof String text && text.equals(RUNC_V1)) {
            add(
                    table,
                    key,
                    true,
                    "containerd 2.0 removed the runtime " + text + ": its containers fail to start",
                    "use io.containerd.runc.v2");
        } else if (value instanceof String text && text.equals(NodePaths.V1_RUNTIME)) {
            add(
                    table,
                    key,
                    false,
                    V1_NAME,
                    "use io.containerd.runc.v2 or io.containerd.runtime.v2.oci; keep the handler's name");
        } else if (key.size() == 2 && isServers(key) && isSet(value)) {
            add(
                    table,
                    key,
                    true,
                    "in a file of version 4 containerd 2.3 and later ignore it: there it is a setting of a plugin",
                    "move it to its plugin, such as plugins.'io.containerd.server.v1." + key.getFirst() + "'");
        } else if (key.equals(List.of("required_plugins"))) {
            required(table, key, value);
        } else if (key.size() == 3 && inPlugins && name.equals("containerd") && isElsewhere(key.get(1))) {
            add(
                    table,
                    key,
                    true,
                    "2.x ignores all of it, including handlers and default_runtime_name: in a file of version "
                            + version + " it does not read them here",
                    version < 2
                            ? "replace the file with the output of the old containerd's \"containerd config dump\", which is"
                                    + " of version 2"
                            : "move it to plugins." + RuntimeHandlers.section(version));
        } else if (isV1Option(table, key)) {
            add(table, key, true, V1_OPTION, "rename it to " + V1_OPTIONS.get(name));
        } else if (key.equals(List.of("plugins", "linux")) || key.equals(List.of("plugins", NodePaths.V1_RUNTIME))) {
            add(table, key, false, V1_SECTION, "migrate first (\"jshimctl migrate plan\"), then remove it");
        } else if (isV1Section(key)) {
            return;
        } else if (inPlugins && REMOVED.containsKey(name) && isSet(value) && !isEmptyRuntime(value)) {
            add(table, key, true, "containerd 2.0 removed it, and ignores it", REMOVED.getOrDefault(name, ""));
        } else if (inPlugins && key.contains("registry") && TO_BE_REMOVED.containsKey(name) && isSet(value)) {
            add(table, key, false, "containerd 2.2 is to remove it", TO_BE_REMOVED.getOrDefault(name, ""));
        } else if (name.equals("snapshotter") && "aufs".equals(value)) {
            add(table, key, true, "containerd 2.0 has no aufs", "use overlayfs");
        }
    }

    private boolean isServers(List<String> key) {
        var moved = hasServers ? SERVERS.get(key.getFirst()) : null;
        return moved != null && (moved.isEmpty() || moved.contains(key.getLast()));
    }

    private static boolean isV1Section(List<String> key) {
        return key.size() > 2 && (key.get(1).equals("linux") || key.get(1).equals(NodePaths.V1_RUNTIME));
    }

    /** Whether it is CRI's section, but not the one for files of this version. */
    private boolean isElsewhere(String plugin) {
        return RuntimeHandlers.isCri(plugin) && (version < 2 || !plugin.equals(RuntimeHandlers.section(version)));
    }

    /** One that 2.x lacks, it does not start without. */
    private void required(TomlTable table, List<String> key, @Nullable Object value) {
        if (value instanceof TomlArray plugins) {
            for (var plugin : plugins.toList()) {
                if (plugin instanceof String text && GONE.contains(text)) {
                    add(
                            table,
                            key,
                            true,
                            "2.x has no plugin " + text + ", and does not start with this line",
                            "remove it");
                }
            }
        }
    }

    private boolean isV1Option(TomlTable options, List<String> key) {
        return key.size() > 3
                && key.get(key.size() - 2).equals("options")
                && key.get(key.size() - 4).equals("runtimes")
                && V1_OPTIONS.containsKey(key.getLast())
                && isSet(options.get(List.of(key.getLast())))
                && !v1Handlers.contains(key.get(key.size() - 3));
    }

    /** What "containerd config default" of 1.x writes for all keys, empty, does no harm. */
    static boolean isSet(@Nullable Object value) {
        return switch (value) {
            case null -> false;
            case String text -> !text.isEmpty();
            case Boolean bool -> bool;
            case TomlTable table -> table.keySet().stream().anyMatch(key -> isSet(table.get(List.of(key))));
            case TomlArray array -> !array.isEmpty();
            case Long number -> number != 0;
            default -> true;
        };
    }

    /** 1.x's default file has whole tables for runtimes whose type is empty. */
    private static boolean isEmptyRuntime(@Nullable Object value) {
        return value instanceof TomlTable table && "".equals(table.getString("runtime_type"));
    }

    private void add(TomlTable table, List<String> key, boolean fatal, String why, String todo) {
        var position = table.inputPositionOf(List.of(key.getLast()));
        found.add(new ConfigFinding(
                position == null ? file.toString() : file + ":" + position.line(),
                String.join(".", key),
                fatal,
                why,
                todo));
    }
}
