package dev.jshim.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The two processes of a shim of ours: the keeper, which shim.pid names, and the JVM, its child. */
final class ShimProcess {
    private ShimProcess() {}

    /** The keeper of a container's shim. */
    static ProcessFacts of(PrivateContainerd node, String id) {
        try {
            return ProcessFacts.of(Long.parseLong(
                    Files.readString(node.bundle(id).resolve("shim.pid")).strip()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Where a container's shim has its socket and its notes. */
    static Path folder(PrivateContainerd node, String id) {
        try {
            String address =
                    Files.readString(node.bundle(id).resolve("address")).strip();
            return Path.of(address.substring("unix://".length()))
                    .resolveSibling(".")
                    .normalize();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A line of what the keeper has written down in that folder, see launcher/README.md. */
    static String status(Path folder, String key) {
        return Wait.forValue(() -> "a line of the keeper's", () -> {
            try {
                return Files.readAllLines(folder.resolve("keeper")).stream()
                        .filter(line -> line.startsWith(key + " "))
                        .map(line -> line.substring(key.length() + 1))
                        .findFirst()
                        .orElse(null);
            } catch (IOException e) {
                return null; // It is being replaced.
            }
        });
    }

    /** The JVM that a keeper has now; 0 if none runs. Containers' processes are the keeper's children, too. */
    static long jvm(ProcessFacts keeper) {
        return ProcessHandle.allProcesses()
                .filter(process ->
                        process.parent().filter(p -> p.pid() == keeper.pid()).isPresent())
                .mapToLong(ProcessHandle::pid)
                .filter(ShimProcess::isJvm)
                .findFirst()
                .orElse(0);
    }

    private static boolean isJvm(long pid) {
        try {
            return Path.of("/proc/" + pid + "/exe").toRealPath().endsWith("lib/jvm/bin/java");
        } catch (IOException e) {
            return false;
        }
    }
}
