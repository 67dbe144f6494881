package dev.jshim.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A fault that each JVM of a daemon has in its command line, and passes over unless it is allowed to happen: so no call
 * sees more of them than a test wants.
 *
 * @param point as the product has it, {@code POINT:N:ACTION}
 * @param passed while this file exists the fault does nothing; the JVM to which it happens makes it
 */
record NextFault(String point, Path passed) {
    static NextFault of(PrivateContainerd node, String point) {
        Path file = node.dir().resolve("fault-passed");
        try {
            Files.createFile(file);
        } catch (FileAlreadyExistsException e) {
            // Of a daemon that was started before.
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new NextFault(point, file);
    }

    /** For the command line of a JVM. */
    String option() {
        return "-Djshim.fault=" + point + ":" + passed;
    }

    /** Whether it has happened to a JVM since it was allowed. */
    boolean hasHappened() {
        return Files.exists(passed);
    }

    /** Lets it happen once. */
    void allow() {
        try {
            Files.deleteIfExists(passed);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
