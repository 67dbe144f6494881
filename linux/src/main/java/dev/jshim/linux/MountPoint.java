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

    /**
     * A field of a mount table as it was before the kernel wrote blank, tab, newline, backslash and {@code #} in it as
     * a backslash and three octal digits (fs/proc_namespace.c, mangle). What is no such escape is left as it is.
     */
    public static String unescape(String field) {
        if (field.indexOf('\\') < 0) {
            return field;
        }
        StringBuilder out = new StringBuilder(field.length());
        for (int i = 0; i < field.length(); i++) {
            if (isEscape(field, i)) {
                out.append((char) Integer.parseInt(field, i + 1, i + 4, 8));
                i += 3;
            } else {
                out.append(field.charAt(i));
            }
        }
        return out.toString();
    }

    private static boolean isEscape(String field, int at) {
        return field.charAt(at) == '\\'
                && at + 4 <= field.length()
                && field.substring(at + 1, at + 4).chars().allMatch(c -> c >= '0' && c <= '7');
    }
}
