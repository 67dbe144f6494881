package dev.jshim.it;

import java.nio.file.Files;
import java.nio.file.Path;

/** A CRIU that goes together with this machine's kernel. */
final class Criu {
    private static final String VARIABLE = "JSHIM_CRIU";

    private Criu() {}

    /**
     * The folder with {@code criu}, for {@link PrivateContainerd#prefer}.
     *
     * @throws IllegalStateException if the environment names none
     */
    static Path folder() {
        String value = System.getenv(VARIABLE);
        if (value == null || !Files.isExecutable(Path.of(value, "criu"))) {
            throw new IllegalStateException(
                    "criu is needed: set " + VARIABLE + " to the folder that './dev criu' prints, not to " + value);
        }
        return Path.of(value);
    }
}
