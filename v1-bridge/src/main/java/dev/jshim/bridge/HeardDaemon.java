package dev.jshim.bridge;

import dev.jshim.shim.keeper.WholeFile;
import dev.jshim.shim.log.ShimLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Which containerd a bridge hears, in a file for the bridge after it: one that runs still has run all the while. A
 * daemon is told by its socket, which each makes anew when it starts. Guarded by its owner.
 */
final class HeardDaemon {
    private static final String NONE = "";

    private final Path file;
    private String before;

    HeardDaemon(Path file) {
        this.file = file;
        before = read(file);
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return NONE;
        }
    }

    /** The socket as it is now; empty where it is not there. */
    static String identity(Path socket) {
        try {
            var facts = Files.readAttributes(socket, "unix:dev,ino,ctime");
            return socket + " " + facts.get("dev") + " " + facts.get("ino") + " " + facts.get("ctime");
        } catch (IOException | UnsupportedOperationException e) {
            return NONE;
        }
    }

    /**
     * That this daemon is heard from now on.
     *
     * @return whether it is the one that the bridge before has heard until its end; true the first time only
     */
    boolean hears(String identity) {
        var isStill = !identity.isEmpty() && identity.equals(before);
        before = NONE;
        try {
            WholeFile.write(file, identity);
        } catch (IOException e) {
            // A bridge that starts tells of exits once more then.
            ShimLog.warn("could not note which containerd is heard", "error", e);
        }
        return isStill;
    }

    /** That none is heard. */
    void noMore() {
        before = NONE;
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            ShimLog.warn("could not forget which containerd was heard", "error", e);
        }
    }
}
