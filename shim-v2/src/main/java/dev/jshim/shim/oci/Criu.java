package dev.jshim.shim.oci;

import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** CRIU, which takes checkpoints for the OCI runtime. */
final class Criu {
    private Criu() {}

    /**
     * Whether the runtime can find it. Then init has pipes for its streams and not the client's FIFOs: CRIU refuses a
     * process with a file that is not in its own mount namespace, and knows of pipes that the runtime gives them back
     * at the restore (tried with runc 1.1.5 and CRIU 4.1).
     */
    static boolean isInstalled() {
        return isIn(System.getenv("PATH"));
    }

    static boolean isIn(@Nullable String path) {
        if (path == null) {
            return false;
        }
        for (var folder : path.split(":", -1)) {
            if (!folder.isEmpty() && Files.isExecutable(Path.of(folder, "criu"))) {
                return true;
            }
        }
        return false;
    }
}
