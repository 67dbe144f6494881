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
import java.util.List;
import java.util.regex.Pattern;

/**
 * The v1 runtime in a containerd's config.toml, of version 1, 2 or 3: the plugin's own table, which 2.x drops, and
 * handlers whose {@code runtime_type} it is. Works on lines, so that comments and order stay as they are; a line that
 * is not understood stays too.
 *
 * @param before the lines of the file
 * @param after what they would be without the v1 runtime
 */
record OldConfig(List<String> before, List<String> after) {
    private static final String BACKUP = ".jshim-backup";
    private static final String NEW_RUNTIME = "io.containerd.runc.v2";
    private static final Pattern HEADER = Pattern.compile("\\s*\\[{1,2}([^\\[\\]#]+)]{1,2}\\s*(#.*)?");
    private static final Pattern RUNTIME_TYPE =
            Pattern.compile("(\\s*runtime_type\\s*=\\s*)([\"'])" + Pattern.quote(NodePaths.V1_RUNTIME) + "\\2(.*)");

    OldConfig {
        before = List.copyOf(before);
        after = List.copyOf(after);
    }

    /** Reads a file's text. */
    static OldConfig of(String text) {
        var before = text.lines().toList();
        List<String> after = new ArrayList<>();
        var inPlugin = false;
        for (var line : before) {
            var header = HEADER.matcher(line);
            if (header.matches()) {
                inPlugin = isPlugin(header.group(1));
            }
            var type = RUNTIME_TYPE.matcher(line);
            if (type.matches()) {
                after.add(type.group(1) + type.group(2) + NEW_RUNTIME + type.group(2) + type.group(3));
            } else if (!inPlugin || line.isBlank() || line.strip().startsWith("#")) {
                after.add(line);
            }
        }
        return new OldConfig(before, after);
    }

    /** {@code plugins.linux} in version 1; by its whole name, in quotes of either kind, later. */
    private static boolean isPlugin(String key) {
        var plain = key.replaceAll("[\\s\"']", "");
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
                if (RUNTIME_TYPE.matcher(line).matches()) {
                    diff.add("+" + after.get(next++));
                }
            }
        }
        return diff;
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
