package dev.jshim.ctl;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Who we are. */
final class Privileges {
    private Privileges() {}

    static boolean isRoot() {
        try {
            return Integer.valueOf(0).equals(Files.getAttribute(Path.of("/proc/self/"), "unix:uid"));
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }
}
