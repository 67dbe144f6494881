package dev.jshim.node.daemon;

import dev.jshim.node.NodePaths;
import dev.jshim.task.Printable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.tomlj.TomlPosition;
import org.tomlj.TomlTable;

/**
 * What containerd 2.x will make of a configuration: by what is known of it, and by what its own program says where that
 * is at hand. Changes nothing.
 */
public final class ConfigForecast {
    private static final int NAMED_PODS = 5;

    private final Map<Path, TomlTable> files = new LinkedHashMap<>();
    private final Path main;
    private final RuntimeHandlers written;
    private final List<ConfigFinding> findings = new ArrayList<>();

    private ConfigForecast(Path main) throws IOException {
        this.main = main;
        for (var file : DaemonConfigReader.read(main).files()) {
            files.put(file, DaemonConfigReader.toml(file));
        }
        written = RuntimeHandlers.of(List.copyOf(files.values()));
    }

    /**
     * Looks at a file and what it imports.
     *
     * @param file the one that containerd 2.x is to start with
     * @param program of that containerd; null if it is not at hand
     * @param pods those on record, whose handlers the new one needs; empty if they are not known
     * @throws IOException as {@link DaemonConfigReader#read}; or a line that says why the program cannot be asked, or
     *     what it says against the file
     */
    public static List<ConfigFinding> of(Path file, @Nullable Path program, List<PodHandler> pods) throws IOException {
        var forecast = new ConfigForecast(file);
        forecast.dropped();
        var handlers = forecast.written;
        if (program != null) {
            var understood = new NewContainerd(program).understand(file);
            handlers = understood.handlers();
            forecast.ignored(understood.ignored());
            understood.unknown().stream().sorted().forEach(forecast::unknown);
        }
        forecast.handlers(handlers, pods);
        return List.copyOf(forecast.findings);
    }

    /**
     * What of a file, and of what it imports, is of the v1 runtime alone, for when no container of it is left.
     *
     * @throws IOException as {@link DaemonConfigReader#read}
     */
    public static List<ConfigFinding> ofV1Runtime(Path file) throws IOException {
        var forecast = new ConfigForecast(file);
        List<ConfigFinding> findings = new ArrayList<>();
        forecast.files.forEach((each, toml) -> findings.addAll(DroppedKeys.ofV1Runtime(each, toml)));
        return findings;
    }

    private void dropped() {
        var version = RuntimeHandlers.version(files.values().iterator().next(), 1);
        Set<String> v1 = new TreeSet<>();
        written.types().forEach((name, type) -> {
            if (type.equals(NodePaths.V1_RUNTIME)) {
                v1.add(name);
            }
        });
        files.forEach((file, toml) ->
                findings.addAll(DroppedKeys.of(file, toml, RuntimeHandlers.version(toml, version), v1)));
    }

    /** What the program passes over, but for what is known already and for what has no value. */
    private void ignored(List<NewContainerd.Ignored> ignored) {
        List<List<String>> said = new ArrayList<>();
        for (var key : ignored) {
            if (said.stream().anyMatch(parent -> startsWith(key.path(), parent))) {
                continue;
            }
            said.add(key.path());
            var path = join(key.plugin(), key.path());
            if (isKnown(key.path())) {
                continue;
            }
            files.forEach((file, toml) -> {
                var place = place(toml, key);
                if (place != null && DroppedKeys.isSet(toml.get(place))) {
                    add(at(file, toml, place), String.join(".", place), "containerd 2.x ignores it");
                }
            });
            if (files.values().stream().allMatch(toml -> place(toml, key) == null)) {
                add(main.toString(), path, "containerd 2.x ignores it");
            }
        }
    }

    private void add(String where, String key, String why) {
        findings.add(new ConfigFinding(where, key, false, why, "look it up in the release notes of that containerd"));
    }

    /** Whether a finding has the key, or a table that it is in. */
    private boolean isKnown(List<String> path) {
        for (var length = path.size(); length > 0; length--) {
            var part = "." + String.join(".", path.subList(0, length));
            if (findings.stream().anyMatch(finding -> finding.key().endsWith(part))) {
                return true;
            }
        }
        return false;
    }

    private static boolean startsWith(List<String> path, List<String> parent) {
        return path.size() > parent.size() && path.subList(0, parent.size()).equals(parent);
    }

    private static String join(String plugin, List<String> path) {
        return (plugin.isEmpty() ? "" : "plugins." + plugin + ".") + String.join(".", path);
    }

    /** Where a key is in a file, under whatever name of its plugin; null if it is not. */
    private static @Nullable List<String> place(TomlTable toml, NewContainerd.Ignored key) {
        if (key.plugin().isEmpty()) {
            return toml.get(key.path()) == null ? null : key.path();
        }
        var plugins = toml.getTable("plugins");
        if (plugins == null) {
            return null;
        }
        for (var plugin : plugins.keySet()) {
            var isThis = plugin.equals(key.plugin())
                    || (RuntimeHandlers.isCri(plugin) && RuntimeHandlers.isCri(key.plugin()))
                    || key.plugin().endsWith("." + plugin);
            List<String> place = new ArrayList<>(List.of("plugins", plugin));
            place.addAll(key.path());
            if (isThis && has(toml, place)) {
                return place;
            }
        }
        return null;
    }

    private static boolean has(TomlTable toml, List<String> path) {
        for (var depth = 1; depth < path.size(); depth++) {
            if (!toml.isTable(path.subList(0, depth))) {
                return false;
            }
        }
        return toml.get(path) != null;
    }

    private void unknown(String plugin) {
        files.forEach((file, toml) -> {
            var key = List.of("plugins", plugin);
            if (has(toml, key)
                    && DroppedKeys.isSet(toml.get(key))
                    && findings.stream().noneMatch(finding -> finding.key().equals("plugins." + plugin))) {
                add(at(file, toml, key), "plugins." + plugin, "containerd 2.x has no settings of that name");
            }
        });
    }

    private void handlers(RuntimeHandlers handlers, List<PodHandler> pods) {
        if (!handlers.has(handlers.defaultName())) {
            findings.add(new ConfigFinding(
                    main.toString(),
                    "default_runtime_name",
                    true,
                    "there is no runtime handler " + Printable.of(handlers.defaultName())
                            + ": containerd 2.x starts without CRI",
                    "add it, or name another one"));
        }
        Map<String, Set<String>> missing = new TreeMap<>();
        for (var pod : pods) {
            if (!pod.handler().isEmpty() && !handlers.has(pod.handler())) {
                missing.computeIfAbsent(pod.handler(), name -> new TreeSet<>()).add(pod.pod());
            }
        }
        missing.forEach((handler, names) -> findings.add(new ConfigFinding(
                main.toString(),
                "runtime handler " + Printable.of(handler),
                true,
                "containerd 2.x will have no such handler, and cannot make containers in " + named(names),
                "add it: [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes." + Printable.of(handler)
                        + "] with runtime_type = 'io.containerd.runc.v2', in a file of version 3")));
    }

    private static String named(Set<String> pods) {
        var first = pods.stream().limit(NAMED_PODS).collect(Collectors.joining(", "));
        return pods.size() > NAMED_PODS ? first + " and " + (pods.size() - NAMED_PODS) + " more pods" : first;
    }

    private static String at(Path file, TomlTable toml, List<String> key) {
        TomlPosition position = toml.inputPositionOf(key);
        return position == null ? file.toString() : file + ":" + position.line();
    }
}
