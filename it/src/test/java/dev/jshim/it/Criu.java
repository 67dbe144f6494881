package dev.jshim.it;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A CRIU that dumps and restores processes on this machine. Which one does, if any, {@code ./dev} has tried with CRIU
 * alone: what it cannot do by itself no shim can do with it.
 */
final class Criu {
    private static final String FOLDER = "JSHIM_CRIU";
    private static final String REASON = "JSHIM_NO_CRIU";

    private Criu() {}

    /** For a scenario that needs it: skips it where none works, and says why. */
    static void demand() {
        assumeTrue(works(), variable(REASON));
    }

    /** From its next start on a daemon finds it before that of the system, if it works. */
    static void prefer(PrivateContainerd node) {
        if (works()) {
            node.prefer(Path.of(variable(FOLDER)));
        }
    }

    /** Whether one does. */
    static boolean works() {
        String folder = variable(FOLDER);
        if (folder.isEmpty() && !variable(REASON).isEmpty()) {
            return false;
        }
        if (!Files.isExecutable(Path.of(folder, "criu"))) {
            throw new IllegalStateException("criu is needed: set " + FOLDER
                    + " to the folder that './dev criu' prints, not to '" + folder + "'");
        }
        return true;
    }

    private static String variable(String name) {
        String value = System.getenv(name);
        return value == null ? "" : value;
    }
}
