package dev.jshim.linux;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A line of /proc/self/mountinfo, see proc(5).
 *
 * @param path absolute, without symbolic links. A string, since a JVM in the C locale has no Path for names beyond
 *     ASCII
 * @param options per mount: ro, nosuid, ...
 * @param source the device, or what was given in its place
 */
public record MountPoint(int id, int parent, String path, List<String> options, String type, String source) {
    public MountPoint {
        options = List.copyOf(options);
    }

    /** All mounts of this process' mount namespace, in the order in which they were made. */
    public static List<MountPoint> all() throws IOException {
        byte[] table = Files.readAllBytes(Path.of("/proc/self/mountinfo"));
        return parseTable(new String(table, StandardCharsets.UTF_8));
    }

    /** Not {@code lines()}: the kernel leaves a carriage return in a name as it is. */
    static List<MountPoint> parseTable(String table) {
        List<MountPoint> mounts = new ArrayList<>();
        for (String line : table.split("\n", -1)) {
            if (!line.isEmpty()) {
                mounts.add(parse(line));
            }
        }
        return mounts;
    }

    /** Parses a line; IllegalArgumentException for anything else. */
    public static MountPoint parse(String line) {
        String[] fields = line.split(" ", -1);
        int separator = 6;
        while (separator < fields.length && !fields[separator].equals("-")) {
            separator++;
        }
        if (separator + 2 >= fields.length) {
            throw new IllegalArgumentException("not a mountinfo line: " + line);
        }
        return new MountPoint(
                Integer.parseInt(fields[0]),
                Integer.parseInt(fields[1]),
                unescape(fields[4]),
                List.of(fields[5].split(",", -1)),
                unescape(fields[separator + 1]),
                unescape(fields[separator + 2]));
    }

    boolean isAtOrBelow(Path ancestor) {
        String name = ancestor.toString();
        return path.equals(name) || path.startsWith(name.equals("/") ? name : name + '/');
    }

    /** The kernel writes blank, tab, newline and backslash as three octal digits. */
    private static String unescape(String field) {
        if (field.indexOf('\\') < 0) {
            return field;
        }
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < field.length(); i++) {
            char c = field.charAt(i);
            if (c == '\\' && i + 4 <= field.length()) {
                out.append((char) Integer.parseInt(field, i + 1, i + 4, 8));
                i += 3;
            } else {
                out.append(c);
            }
        }
        return out.toString();
    }
}
