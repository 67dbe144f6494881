package dev.jshim.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A root file system of busybox alone: enough for a container, and made in a millisecond. */
public final class Rootfs {
    private static final Path BUSYBOX = Path.of("/bin/busybox");
    private static final List<String> APPLETS =
            List.of("sh", "cat", "sleep", "echo", "true", "false", "seq", "head", "stty", "wc", "dd");

    private Rootfs() {}

    /**
     * Fills a folder, which is made.
     *
     * @throws IllegalStateException if busybox is missing
     */
    public static Path make(Path folder) throws IOException {
        if (!Files.isExecutable(BUSYBOX)) {
            throw new IllegalStateException(BUSYBOX + " is needed: apt-get install busybox-static");
        }
        for (String name : List.of("bin", "dev", "etc", "proc", "sys", "tmp")) {
            Files.createDirectories(folder.resolve(name));
        }
        Files.copy(BUSYBOX, folder.resolve("bin/busybox"));
        for (String applet : APPLETS) {
            Files.createSymbolicLink(folder.resolve("bin").resolve(applet), Path.of("busybox"));
        }
        return folder;
    }
}
