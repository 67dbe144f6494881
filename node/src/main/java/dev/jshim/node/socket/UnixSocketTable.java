package dev.jshim.node.socket;

import dev.jshim.task.ShimSocket;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * The unix sockets that somebody listens on, and how many are connected to each, as /proc/net/unix has them for our own
 * network namespace (proc(5)). Abstract names are without the NUL in front and without one at the end.
 */
public record UnixSocketTable(Set<String> abstractNames, Set<String> paths, Map<String, Integer> peers) {
    /** Bit of the flags column: the socket accepts connections (include/uapi/linux/net.h, SO_ACCEPTCON). */
    private static final long ACCEPTS = 1 << 16;

    private static final int COLUMNS = 8;

    /** Column {@code st} of a connected socket (SS_CONNECTED); a server's accepted sockets have the listener's name. */
    private static final String CONNECTED = "03";

    public UnixSocketTable {
        abstractNames = Set.copyOf(abstractNames);
        paths = Set.copyOf(paths);
        peers = Map.copyOf(peers);
    }

    /** Listeners alone. */
    public UnixSocketTable(Set<String> abstractNames, Set<String> paths) {
        this(abstractNames, paths, Map.of());
    }

    /** Reads a table; an unreadable one is empty. */
    public static UnixSocketTable read(Path procNetUnix) {
        var names = new HashSet<String>();
        var paths = new HashSet<String>();
        var peers = new HashMap<String, Integer>();
        try (var in = Files.newBufferedReader(procNetUnix, StandardCharsets.ISO_8859_1)) {
            for (var line = in.readLine(); line != null; line = in.readLine()) {
                var columns = line.strip().split("\\s+", COLUMNS);
                if (columns.length < COLUMNS) {
                    continue;
                }
                var isAbstract = columns[7].startsWith("@");
                var name = isAbstract ? withoutNuls(columns[7]) : columns[7];
                if (isListener(columns[3])) {
                    (isAbstract ? names : paths).add(name);
                } else if (columns[5].equals(CONNECTED)) {
                    peers.merge(key(isAbstract, name), 1, Integer::sum);
                }
            }
        } catch (IOException e) {
            return new UnixSocketTable(Set.of(), Set.of());
        }
        return new UnixSocketTable(names, paths, peers);
    }

    /** The inodes of those that listen, by their paths: more than one if the later one has taken the name away. */
    public static Map<String, Set<Long>> listeners(Path procNetUnix) {
        var out = new HashMap<String, Set<Long>>();
        try (var in = Files.newBufferedReader(procNetUnix, StandardCharsets.ISO_8859_1)) {
            for (var line = in.readLine(); line != null; line = in.readLine()) {
                var columns = line.strip().split("\\s+", COLUMNS);
                if (columns.length == COLUMNS && isListener(columns[3]) && !columns[7].startsWith("@")) {
                    out.computeIfAbsent(columns[7], _ -> new HashSet<>()).add(Long.valueOf(columns[6]));
                }
            }
        } catch (IOException | NumberFormatException e) {
            return Map.of();
        }
        return out;
    }

    private static String key(boolean isAbstract, String name) {
        return isAbstract ? "@" + name : name;
    }

    /** How many connections its listener has accepted that are still open. */
    public int peersOf(ShimSocket socket) {
        return switch (socket) {
            case ShimSocket.Named named ->
                peers.getOrDefault(key(false, named.path().toString()), 0);
            case ShimSocket.Abstract name -> peers.getOrDefault(key(true, name.name()), 0);
        };
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

    /** By the flags. Columns: num refs proto flags type st inode path. */
    private static boolean isListener(String flags) {
        try {
            return (Long.parseLong(flags, 16) & ACCEPTS) != 0;
        } catch (NumberFormatException e) {
            return false;
        }
    }
}
