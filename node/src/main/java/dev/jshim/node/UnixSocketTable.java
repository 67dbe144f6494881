package dev.jshim.node;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;

/**
 * The unix sockets that somebody listens on, as /proc/net/unix has them for our own network namespace (proc(5)).
 * Abstract names are without the NUL in front and without one at the end.
 */
public record UnixSocketTable(Set<String> abstractNames, Set<String> paths) {
    /** Bit of the flags column: the socket accepts connections (include/uapi/linux/net.h, SO_ACCEPTCON). */
    private static final long ACCEPTS = 1 << 16;

    public UnixSocketTable {
        abstractNames = Set.copyOf(abstractNames);
        paths = Set.copyOf(paths);
    }

    /** Reads a table; an unreadable one is empty. */
    public static UnixSocketTable read(Path procNetUnix) {
        var names = new HashSet<String>();
        var paths = new HashSet<String>();
        try (var in = Files.newBufferedReader(procNetUnix, StandardCharsets.ISO_8859_1)) {
            for (var line = in.readLine(); line != null; line = in.readLine()) {
                var name = listener(line);
                if (name.startsWith("@")) {
                    names.add(withoutNuls(name));
                } else if (!name.isEmpty()) {
                    paths.add(name);
                }
            }
        } catch (IOException e) {
            return new UnixSocketTable(Set.of(), Set.of());
        }
        return new UnixSocketTable(names, paths);
    }

    public boolean isListening(ShimSocket socket) {
        return switch (socket) {
            case ShimSocket.Named named -> paths.contains(named.path().toString());
            case ShimSocket.Abstract name -> abstractNames.contains(name.name());
        };
    }

    /** The kernel writes a NUL as {@code @}; one is at the end of Go's sockets, see {@link AbstractSockets}. */
    private static String withoutNuls(String name) {
        var end = name.length() > 1 && name.endsWith("@") ? name.length() - 1 : name.length();
        return name.substring(1, end);
    }

    /**
     * The name in a line, empty where it has none or nobody listens. Columns: num refs proto flags type st inode path.
     */
    private static String listener(String line) {
        var columns = line.strip().split("\\s+", 8);
        if (columns.length < 8) {
            return "";
        }
        try {
            return (Long.parseLong(columns[3], 16) & ACCEPTS) != 0 ? columns[7] : "";
        } catch (NumberFormatException e) {
            return "";
        }
    }
}
