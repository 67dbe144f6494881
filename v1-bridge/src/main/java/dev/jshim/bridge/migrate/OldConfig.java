package dev.jshim.bridge.migrate;

import dev.jshim.bridge.DirectorySync;
import dev.jshim.node.NodePaths;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The v1 runtime in a containerd's config.toml, of version 1, 2 or 3: the plugin's own table, which 2.x drops, and
 * handlers whose {@code runtime_type} it is, with their options. Works on lines, so that comments and order stay as
 * they are; a line that is not understood stays too.
 *
 * @param before the lines of the file
 * @param after what they would be without the v1 runtime
 */
record OldConfig(List<String> before, List<String> after) {
    private static final String BACKUP = ".jshim-backup";
    private static final String NEW_RUNTIME = "io.containerd.runc.v2";
    private static final Pattern HEADER = Pattern.compile("\\s*\\[{1,2}([^\\[\\]#]+)]{1,2}\\s*(#.*)?");
    /** Options of the v1 runtime, and what they are called in those of runc's v2 shim; one that it has not goes. */
    private static final Map<String, String> OPTIONS =
            Map.of("Runtime", "BinaryName", "RuntimeRoot", "Root", "CriuPath", "");

    private static final Pattern OPTION = Pattern.compile("(\\s*)(Runtime|RuntimeRoot|CriuPath)(\\s*=.*)");
    private static final Pattern RUNTIME_TYPE =
            Pattern.compile("(\\s*runtime_type\\s*=\\s*)([\"'])" + Pattern.quote(NodePaths.V1_RUNTIME) + "\\2(.*)");

    OldConfig {
        before = List.copyOf(before);
        after = List.copyOf(after);
    }

    /** Reads a file's text. */
    static OldConfig of(String text) {
        var before = text.lines().toList();
        var handlers = v1Handlers(before);
        List<String> after = new ArrayList<>();
        var inPlugin = false;
        var table = "";
        for (var line : before) {
            var header = HEADER.matcher(line);
            if (header.matches()) {
                inPlugin = isPlugin(header.group(1));
                table = plain(header.group(1));
            }
            var type = RUNTIME_TYPE.matcher(line);
            var option = OPTION.matcher(line);
            if (type.matches()) {
                after.add(type.group(1) + type.group(2) + NEW_RUNTIME + type.group(2) + type.group(3));
            } else if (option.matches() && handlers.contains(table)) {
                var name = OPTIONS.getOrDefault(option.group(2), "");
                if (!name.isEmpty()) {
                    after.add(option.group(1) + name + option.group(3));
                }
            } else if (!inPlugin || line.isBlank() || line.strip().startsWith("#")) {
                after.add(line);
            }
        }
        return new OldConfig(before, after);
    }

    /** The tables of options of the handlers whose runtime is v1. */
    private static Set<String> v1Handlers(List<String> lines) {
        Set<String> handlers = new HashSet<>();
        var table = "";
        for (var line : lines) {
            var header = HEADER.matcher(line);
            if (header.matches()) {
                table = plain(header.group(1));
            } else if (RUNTIME_TYPE.matcher(line).matches()) {
                handlers.add(table + ".options");
            }
        }
        return handlers;
    }

    private static String plain(String key) {
        return key.replaceAll("[\\s\"']", "");
    }

    /** {@code plugins.linux} in version 1; by its whole name, in quotes of either kind, later. */
    private static boolean isPlugin(String key) {
        var plain = plain(key);
        return plain.equals("plugins.linux") || plain.equals("plugins." + NodePaths.V1_RUNTIME);
    }

    boolean isChanged() {
        return !before.equals(after);
    }

    /** What goes and what comes, each line with a minus or a plus before it; lines are never moved. */
    List<String> diff() {
        List<String> diff = new ArrayList<>();
        var next = 0;
        for (var line : before) {
            if (next < after.size() && after.get(next).equals(line)) {
                next++;
            } else {
                diff.add("-" + line);
                if (isReplaced(line, next)) {
                    diff.add("+" + after.get(next++));
                }
            }
        }
        return diff;
    }

    private boolean isReplaced(String line, int next) {
        var option = OPTION.matcher(line);
        return RUNTIME_TYPE.matcher(line).matches()
                || (option.matches()
                        && next < after.size()
                        && after.get(next).equals(option.group(1) + OPTIONS.get(option.group(2)) + option.group(3)));
    }

    /**
     * Writes it in the place of the old one, in one step, on disk when this returns.
     *
     * @return where the old one is now
     * @throws IOException also where there is a backup already: nothing was changed then
     */
    Path write(Path file) throws IOException {
        var real = file.toRealPath();
        var backup = real.resolveSibling(real.getFileName() + BACKUP);
        if (Files.exists(backup)) {
            throw new IOException(backup + " is there already: move it away first; " + file + " was not changed");
        }
        var part = real.resolveSibling(real.getFileName() + ".jshim-part");
        Files.copy(real, part, StandardCopyOption.COPY_ATTRIBUTES, StandardCopyOption.REPLACE_EXISTING);
        Files.writeString(
                part,
                String.join("\n", after) + "\n",
                StandardCharsets.UTF_8,
                StandardOpenOption.WRITE,
                StandardOpenOption.TRUNCATE_EXISTING);
        try (var channel = FileChannel.open(part, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
        Files.copy(real, backup, StandardCopyOption.COPY_ATTRIBUTES);
        Files.move(part, real, StandardCopyOption.ATOMIC_MOVE);
        DirectorySync.parent(real);
        return backup;
    }
}
