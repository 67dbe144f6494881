package dev.jshim.shim;

import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.UnixSocket;
import dev.jshim.task.ShimLog;
import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import jdk.net.ExtendedSocketOptions;

/**
 * Who may speak to a shim: processes of its own user alone, as ttrpc's handshake in Go has it
 * (UnixSocketRequireSameUser). The socket's mode says the same; this holds if somebody changes that.
 */
public final class Peers {
    private Peers() {}

    /** Whether the process at the other end is of this process' user; one that is not is named in the log. */
    public static boolean isSameUser(SocketChannel peer) {
        try {
            var user = peer.getOption(ExtendedSocketOptions.SO_PEERCRED).user();
            if (user.equals(Own.USER)) {
                return true;
            }
            ShimLog.warn("refused a connection of another user", "user", user.getName());
            return false;
        } catch (IOException | UnsupportedOperationException e) {
            ShimLog.warn("refused a connection of an unknown user", "error", e.getMessage());
            return false;
        }
    }

    /** The same of a socket whose descriptor is at hand. */
    static boolean isSameUser(UnixSocket peer) {
        try {
            var user = peer.peerUser();
            if (user == OwnNumber.VALUE) {
                return true;
            }
            ShimLog.warn("refused a connection of another user", "user", user);
            return false;
        } catch (ErrnoException e) {
            ShimLog.warn("refused a connection of an unknown user", "error", e.getMessage());
            return false;
        }
    }

    private static final class Own {
        static final UserPrincipal USER = read();

        private static UserPrincipal read() {
            try {
                return Files.getOwner(Path.of("/proc/self"));
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }
    }

    private static final class OwnNumber {
        static final int VALUE = read();

        private static int read() {
            try {
                return (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }
    }
}
