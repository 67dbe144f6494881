package dev.jshim.ctl.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Who we are. */
public final class Privileges {
    private Privileges() {}

    public static boolean isRoot() {
        try {
            return Integer.valueOf(0).equals(Files.getAttribute(Path.of("/proc/self/"), "unix:uid"));
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }
}
