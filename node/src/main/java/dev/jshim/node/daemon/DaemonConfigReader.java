package dev.jshim.node.daemon;

import dev.jshim.node.NodePaths;
import dev.jshim.node.SmallFile;
import dev.jshim.task.Printable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.tomlj.Toml;
import org.tomlj.TomlParseResult;
import org.tomlj.TomlPosition;

/**
 * Reads containerd's config.toml, of any version, with the files that it imports, as containerd does: a file that is
 * imported wins over the one that imports it, a plugin's section as a whole (v1.6.20,
 * services/server/config/config.go). Nothing is resolved that is not asked for, so that a file for another containerd
 * than ours is read too.
 *
 * <p>From version 4 of the file on (2.3.0, cmd/containerd/server/config/config.go) its sockets are settings of plugins,
 * and those of before say nothing; in a file of before that is imported they are taken for the plugins'. Where files of
 * before version 4 alone are read, the last {@code [ttrpc]} holds, as up to 2.2; 2.3 has it that of the last file with
 * a {@code [grpc]}.
 */
public final class DaemonConfigReader {
    private static final int MAX_BYTES = 512 << 10;

    private static final List<String> GRPC_PLUGIN = List.of("plugins", "io.containerd.server.v1.grpc");
    private static final List<String> TTRPC_PLUGIN = List.of("plugins", "io.containerd.server.v1.ttrpc");
    private static final String ADDRESS = "address";
    private static final String TTRPC = "ttrpc";
    private static final String STAR = "*";
    private static final List<String> V1_SECTION = List.of("plugins", "linux");
    private static final List<String> V2_SECTION = List.of("plugins", NodePaths.V1_RUNTIME);

    private final Map<String, String> texts = new HashMap<>();
    private final List<Path> read = new ArrayList<>();
    private boolean shimDebug;
    private long version;

    private DaemonConfigReader() {}

    /**
     * Reads a file and its imports.
     *
     * @throws NoSuchFileException if the file itself is not there
     * @throws IOException for one that cannot be read or understood; the message is a line with file and line number
     */
    public static DaemonConfig read(Path file) throws IOException {
        var reader = new DaemonConfigReader();
        Deque<Path> pending = new ArrayDeque<>(List.of(file.toAbsolutePath().normalize()));
        while (!pending.isEmpty()) {
            var next = pending.removeFirst();
            if (!reader.read.contains(next)) {
                var isFirst = reader.read.isEmpty();
                reader.read.add(next);
                pending.addAll(isFirst ? reader.one(next) : reader.imported(next));
            }
        }
        return reader.result();
    }

    private List<Path> imported(Path file) throws IOException {
        try {
            return one(file);
        } catch (NoSuchFileException e) {
            throw new IOException(file + ": is imported by " + read.getFirst() + ", but does not exist", e);
        }
    }

    /** Takes what a file says; answers what it imports. */
    private List<Path> one(Path file) throws IOException {
        var toml = parse(file);
        for (var key : List.of("root", "state")) {
            take(file, toml, List.of(key), key);
        }
        var said = value(file, toml, List.of("version"), Long.class);
        var own = said == null ? 0 : said;
        if (read.size() == 1) {
            version = own;
        }
        var plugins = V2_SECTION.subList(0, 1);
        if (toml.get(plugins) != null) {
            requireTable(file, toml, plugins);
        }
        sockets(file, toml, own);
        // One that is imported and says no version is read as the one that imports it.
        var section = (own == 0 ? version : own) < 2 ? V1_SECTION : V2_SECTION;
        if (toml.get(section) != null) {
            requireTable(file, toml, section);
            for (var key : List.of("shim", "runtime", "runtime_root")) {
                texts.remove(key);
                take(file, toml, join(section, key), key);
            }
            shimDebug = Boolean.TRUE.equals(value(file, toml, join(section, "shim_debug"), Boolean.class));
        }
        return imports(file, toml);
    }

    /** @param own the version that the file itself says, 0 for none */
    private void sockets(Path file, TomlParseResult toml, long own) throws IOException {
        take(file, toml, join(GRPC_PLUGIN, ADDRESS), ADDRESS);
        take(file, toml, join(TTRPC_PLUGIN, ADDRESS), TTRPC);
        if (own >= DaemonConfig.SERVER_PLUGINS) {
            return;
        }
        var grpc = toml.get(GRPC_PLUGIN) == null && take(file, toml, List.of("grpc", ADDRESS), ADDRESS);
        if (toml.get(TTRPC_PLUGIN) == null
                && !take(file, toml, List.of(TTRPC, ADDRESS), TTRPC)
                && grpc
                && version >= DaemonConfig.SERVER_PLUGINS) {
            texts.put(TTRPC, text(ADDRESS) + DaemonConfig.TTRPC_SUFFIX);
        }
    }

    private static TomlParseResult parse(Path file) throws IOException {
        var toml = toml(file);
        if (toml.hasErrors()) {
            var first = toml.errors().getFirst();
            throw new IOException(at(file, first.position()) + Printable.of(String.valueOf(first.getMessage())), first);
        }
        return toml;
    }

    /**
     * Whatever stands in the place of the file: an import may name a directory, a device, or a file that is none of
     * containerd's.
     *
     * @throws NoSuchFileException if it is not there
     */
    static TomlParseResult toml(Path file) throws IOException {
        byte[] bytes;
        try {
            bytes = SmallFile.bytes(file, MAX_BYTES);
        } catch (IOException e) {
            throw new IOException(file + ": " + e.getMessage(), e);
        }
        if (bytes == null) {
            throw new NoSuchFileException(file.toString());
        }
        try {
            return Toml.parse(new String(bytes, StandardCharsets.UTF_8));
        } catch (RuntimeException | StackOverflowError e) {
            throw new IOException(file + ": not valid TOML: " + Printable.of(e.toString()), e);
        }
    }

    /** Answers whether the file says it. */
    private boolean take(Path file, TomlParseResult toml, List<String> key, String name) throws IOException {
        var value = value(file, toml, key, String.class);
        if (value == null || value.isEmpty()) {
            return false;
        }
        texts.put(name, value);
        return true;
    }

    private static <T> @Nullable T value(Path file, TomlParseResult toml, List<String> key, Class<T> type)
            throws IOException {
        if (key.size() > 1 && toml.get(key.subList(0, key.size() - 1)) == null) {
            return null;
        }
        if (key.size() > 1) {
            requireTable(file, toml, key.subList(0, key.size() - 1));
        }
        var value = toml.get(key);
        if (value == null || type.isInstance(value)) {
            return type.cast(value);
        }
        throw wrong(file, toml, key, "must be " + named(type));
    }

    private static String named(Class<?> type) {
        return type == String.class ? "a string" : type == Boolean.class ? "true or false" : "a number";
    }

    private static void requireTable(Path file, TomlParseResult toml, List<String> section) throws IOException {
        for (var depth = 1; depth <= section.size(); depth++) {
            var part = section.subList(0, depth);
            if (!toml.isTable(part)) {
                throw wrong(file, toml, part, "must be a table");
            }
        }
    }

    private List<Path> imports(Path file, TomlParseResult toml) throws IOException {
        var key = List.of("imports");
        if (toml.get(key) == null) {
            return List.of();
        }
        if (!toml.isArray(key)) {
            throw wrong(file, toml, key, "must be a list of strings");
        }
        List<Path> found = new ArrayList<>();
        for (var name : toml.getArrayOrEmpty(key).toList()) {
            if (!(name instanceof String text)) {
                throw wrong(file, toml, key, "must be a list of strings");
            }
            try {
                found.addAll(matches(file, text));
            } catch (IllegalArgumentException | IOException e) {
                var why = Printable.of(e.toString());
                throw wrong(file, toml, key, "names " + Printable.of(text) + ", which cannot be read: " + why);
            }
        }
        return found;
    }

    /** Relative to its file; one with a star is a pattern, in each of its parts. */
    private static List<Path> matches(Path file, String name) throws IOException {
        var path = file.resolveSibling(name).normalize();
        return name.contains(STAR) ? matches(path) : List.of(path);
    }

    private static List<Path> matches(Path pattern) throws IOException {
        var parent = pattern.getParent();
        if (parent == null) {
            return List.of(pattern);
        }
        var name = String.valueOf(pattern.getFileName());
        List<Path> found = new ArrayList<>();
        for (var folder : parent.toString().contains(STAR) ? matches(parent) : List.of(parent)) {
            if (Files.isDirectory(folder)) {
                try (var all = Files.newDirectoryStream(folder, name)) {
                    all.forEach(found::add);
                }
            }
        }
        found.sort(null);
        return found;
    }

    private static IOException wrong(Path file, TomlParseResult toml, List<String> key, String what) {
        return new IOException(at(file, toml.inputPositionOf(key)) + String.join(".", key) + " " + what);
    }

    private static String at(Path file, @Nullable TomlPosition position) {
        return file + (position == null ? "" : ":" + position.line()) + ": ";
    }

    private static List<String> join(List<String> section, String key) {
        List<String> all = new ArrayList<>(section);
        all.add(key);
        return all;
    }

    private String text(String name) {
        return texts.getOrDefault(name, "");
    }

    private DaemonConfig result() {
        return new DaemonConfig(
                read,
                text("root"),
                text("state"),
                text(ADDRESS),
                text(TTRPC),
                version,
                text("shim"),
                text("runtime"),
                text("runtime_root"),
                shimDebug);
    }
}
