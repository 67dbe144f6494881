package dev.jshim.bridge.record;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/** Listening sockets that only root can reach: mode 0600 in a directory of mode 0700. */
public final class PrivateSocket {
    private PrivateSocket() {}

    /** Creates a directory of mode 0700 with all its parents, or sets the mode of an existing one. */
    public static void makeDirectory(Path directory) throws IOException {
        var mode = PosixFilePermissions.fromString("rwx------");
        Files.createDirectories(directory, PosixFilePermissions.asFileAttribute(mode));
        Files.setPosixFilePermissions(directory, mode);
    }

    /** Listens. What exists at the path is removed: the caller holds the lock that makes it ours. */
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

    /** Creates the directory of a socket, and removes what exists at its path. */
    public static void prepare(Path path) throws IOException {
        var parent = path.getParent();
        if (parent == null) {
            throw new IOException(path + " is not a path for a socket");
        }
        makeDirectory(parent);
        Files.deleteIfExists(path);
    }

    /** Sets the mode of a socket that was just created. The directory's mode has protected it until now. */
    public static void restrict(Path path) throws IOException {
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
    }
}
