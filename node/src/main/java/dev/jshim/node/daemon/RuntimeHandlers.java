package dev.jshim.node.daemon;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.tomlj.TomlTable;

/**
 * The runtime handlers that CRI has under containerd 2.x, as it reads a configuration: those of a file of version 1 it
 * passes over (tried with 2.1.9), and there is always one named {@code runc}.
 *
 * @param types the {@code runtime_type} of each, by its name
 * @param defaultName of the handler for pods that name none
 */
record RuntimeHandlers(Map<String, String> types, String defaultName) {
    /** Where CRI's own settings are, by the version of the file. */
    private static final Map<Long, String> SECTIONS =
            Map.of(1L, "cri", 2L, "io.containerd.grpc.v1.cri", 3L, "io.containerd.cri.v1.runtime");

    private static final String RUNC = "runc";

    RuntimeHandlers {
        types = Map.copyOf(types);
    }

    /** Those of some files, the one that imports before those that it imports. */
    static RuntimeHandlers of(List<? extends TomlTable> files) {
        Map<String, String> types = new TreeMap<>(Map.of(RUNC, "io.containerd.runc.v2"));
        var defaultName = RUNC;
        var version = files.isEmpty() ? 1 : version(files.getFirst(), 1);
        for (var file : files) {
            var cri = version(file, version) == 1 ? null : table(file, "plugins", section(version(file, version)));
            var containerd = cri == null ? null : table(cri, "containerd");
            if (containerd == null) {
                continue;
            }
            defaultName = text(containerd, "default_runtime_name", defaultName);
            var runtimes = table(containerd, "runtimes");
            if (runtimes != null) {
                for (var name : runtimes.keySet()) {
                    var runtime = table(runtimes, name);
                    types.put(name, runtime == null ? "" : text(runtime, "runtime_type", ""));
                }
            }
        }
        return new RuntimeHandlers(types, defaultName);
    }

    /** The version of a file; another one's if it says nothing. */
    static long version(TomlTable file, long other) {
        return file.get(List.of("version")) instanceof Long version ? version : other;
    }

    /** The plugin that has CRI's handlers in a file of that version. */
    static String section(long version) {
        return SECTIONS.getOrDefault(version, "io.containerd.cri.v1.runtime");
    }

    /** Whether a plugin's name is one of those that CRI's handlers are under in any version. */
    static boolean isCri(String plugin) {
        return SECTIONS.containsValue(plugin);
    }

    boolean has(String name) {
        return types.containsKey(name.isEmpty() ? defaultName : name);
    }

    private static @Nullable TomlTable table(TomlTable from, String... path) {
        return from.get(List.of(path)) instanceof TomlTable table ? table : null;
    }

    private static String text(TomlTable from, String key, String other) {
        return from.get(List.of(key)) instanceof String text && !text.isEmpty() ? text : other;
    }
}
