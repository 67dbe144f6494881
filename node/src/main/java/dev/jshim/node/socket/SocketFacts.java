package dev.jshim.node.socket;

import dev.jshim.task.ShimSocket;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A shim's socket as the kernel and the file system show it, without a connection.
 *
 * @param exists false for a file that is gone; an abstract name exists while somebody listens
 * @param mode permission bits; null for an abstract name and for a file that is gone
 * @param owner the user's number; null as the mode
 * @param peers connections that are open
 */
public record SocketFacts(
        ShimSocket socket,
        boolean exists,
        @Nullable Integer mode,
        @Nullable Integer owner,
        boolean listening,
        int peers) {
    /** To connect takes the right to write (unix(7)): the 0755 that a plain umask gives lets nobody else in. */
    private static final int OTHERS = 0022;

    /** Looks at a socket. */
    public static SocketFacts of(ShimSocket socket, UnixSocketTable table) {
        var listening = table.isListening(socket);
        var peers = table.peersOf(socket);
        return switch (socket) {
            case ShimSocket.Abstract name -> new SocketFacts(socket, listening, null, null, listening, peers);
            case ShimSocket.Named(var path) -> {
                var mode = number(path, "unix:mode");
                yield new SocketFacts(
                        socket,
                        mode != null,
                        mode == null ? null : mode & 07777,
                        number(path, "unix:uid"),
                        listening,
                        peers);
            }
        };
    }

    /**
     * Why others than root can reach it; empty if they cannot. Every process of the same network namespace can connect
     * to an abstract name, containers with the host's network too (CVE-2020-15257). A mode counts only where the
     * directory lets others in.
     */
    public String exposure() {
        if (socket instanceof ShimSocket.Abstract) {
            return listening
                    ? "abstract: any process in the host's network namespace can connect (CVE-2020-15257)"
                    : "";
        }
        var bits = mode;
        if (bits != null && (bits & OTHERS) != 0 && socket instanceof ShimSocket.Named(var path) && isOpen(path)) {
            return "mode " + String.format("%04o", bits) + " gives access to others than its owner";
        }
        return "";
    }

    private static boolean isOpen(Path socket) {
        for (var parent = socket.getParent(); parent != null; parent = parent.getParent()) {
            var mode = number(parent, "unix:mode");
            if (mode == null || (mode & 0011) == 0) {
                return false;
            }
        }
        return true;
    }

    private static @Nullable Integer number(Path file, String attribute) {
        try {
            return Files.getAttribute(file, attribute, LinkOption.NOFOLLOW_LINKS) instanceof Integer number
                    ? number
                    : null;
        } catch (IOException | UnsupportedOperationException e) {
            return null;
        }
    }
}
