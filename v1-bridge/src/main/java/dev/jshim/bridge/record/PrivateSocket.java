package dev.jshim.bridge.record;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/** Listening sockets that nobody but root reaches: mode 0600 in a directory of mode 0700. */
public final class PrivateSocket {
    private PrivateSocket() {}

    /** Makes a directory of mode 0700 with all its parents, or sets the mode of one that exists. */
    public static void makeDirectory(Path directory) throws IOException {
        var mode = PosixFilePermissions.fromString("rwx------");
        Files.createDirectories(directory, PosixFilePermissions.asFileAttribute(mode));
        Files.setPosixFilePermissions(directory, mode);
    }

    /** Listens. What lies at the path is taken away: who calls holds the lock that makes it ours. */
    public static ServerSocketChannel listen(Path path) throws IOException {
        prepare(path);
        var listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            listener.bind(UnixDomainSocketAddress.of(path));
            restrict(path);
            return listener;
        } catch (IOException e) {
            listener.close();
            throw e;
        }
    }

    /** Makes the directory of a socket that is to be made, and takes away what lies at its path. */
    public static void prepare(Path path) throws IOException {
        var parent = path.getParent();
        if (parent == null) {
            throw new IOException(path + " is not a path for a socket");
        }
        makeDirectory(parent);
        Files.deleteIfExists(path);
    }

    /** Gives a socket that was just made its mode; nobody but us could reach it before. */
    public static void restrict(Path path) throws IOException {
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
    }
}
