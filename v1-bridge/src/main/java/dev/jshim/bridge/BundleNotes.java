package dev.jshim.bridge;

import dev.jshim.shim.keeper.WholeFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The files of an added bundle that are written while its container lives. None is begun once containerd may take the
 * bundle away: it gives it another name first, and what comes into it while it is emptied makes that fail, so that the
 * rest stays for good (core/runtime/v2 atomicDelete, v2.1.9). Thread-safe.
 */
final class BundleNotes {
    private final Path bundle;
    private boolean over;

    BundleNotes(Path bundle) {
        this.bundle = bundle;
    }

    /** Those of a container whose bundle is gone. */
    static BundleNotes none() {
        var none = new BundleNotes(Path.of("/dev/null"));
        none.end();
        return none;
    }

    Path bundle() {
        return bundle;
    }

    /** Writes a file whole, where there is such a bundle: not yet in the short time between adoption and bundle. */
    synchronized void write(String file, String text) throws IOException {
        if (!over && Files.isDirectory(bundle)) {
            WholeFile.write(bundle.resolve(file), text);
        }
    }

    /** Writes nothing from now on, and nothing is being written any more. */
    synchronized void end() {
        over = true;
    }
}
