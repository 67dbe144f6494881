package dev.jshim.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The OCI runtime that the shims of a daemon find under the name {@code runc}. */
enum Engine {
    RUNC,

    /**
     * Debian 12's crun 1.8.1, as far as it goes on this machine: it refuses a host where the unified hierarchy has
     * controllers beside those of the first version, so the daemon has a mount namespace without it; and it refuses a
     * spec that says a version after 1.0, so that number is lowered before it reads it.
     */
    CRUN;

    private static final String WRAPPER = """
            #!/bin/sh
            take=
            for word; do
                [ "$take" != yes ] ||
                    sed -i 's/"ociVersion": *"1[.][1-9][^"]*"/"ociVersion":"1.0.2"/' "$word/config.json"
                [ "$word" = --bundle ] && take=yes || take=
            done
            exec crun "$@"
            """;

    private static final String WITHOUT_UNIFIED = "umount /sys/fs/cgroup/unified && exec \"$@\"";

    /** Makes in a daemon's folder what {@link #folders} then names. */
    void install(Path dir) throws IOException {
        for (Path folder : folders(dir)) {
            Path wrapper = Files.createDirectory(folder).resolve("runc");
            Files.writeString(wrapper, WRAPPER);
            if (!wrapper.toFile().setExecutable(true)) {
                throw new IOException("cannot make executable: " + wrapper);
            }
        }
    }

    /** What goes before the system's folders in the daemon's PATH. */
    List<Path> folders(Path dir) {
        return this == RUNC ? List.of() : List.of(dir.resolve("engine"));
    }

    /** How a daemon is started with it; the process that is started becomes the daemon. */
    List<String> daemon(List<String> command) {
        if (this == RUNC) {
            return command;
        }
        List<String> all = new ArrayList<>(List.of("unshare", "-m", "sh", "-c", WITHOUT_UNIFIED, "sh"));
        all.addAll(command);
        return all;
    }

    @Override
    public String toString() {
        return this == RUNC ? "runc" : "crun";
    }
}
