package dev.jshim.shim.oci;

import dev.jshim.task.ShimException;
import dev.jshim.task.ShimLog;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;

/** Takes a checkpoint of a running container with CRIU (process/init.go checkpoint, v2.1.4). */
record Checkpoint(Container container, CheckpointSpec spec) {
    private static final String LOG = "criu-dump.log";

    /**
     * Writes it.
     *
     * @throws ShimException with the first line that the runtime said, and with the place of CRIU's log if it wrote one
     */
    void take(Path image) {
        var given = spec.workPath();
        if (!given.isEmpty()) {
            take(image, Path.of(given));
            return;
        }
        try {
            take(image, work(container));
        } finally {
            discard(container);
        }
    }

    private static Path work(Container container) {
        return container.bundle().resolve("work").resolve("criu-work");
    }

    private void take(Path image, Path work) {
        try {
            Files.createDirectories(work);
            container.runc().checkpoint(container.id(), image, work, spec.flags());
        } catch (IOException e) {
            throw new ShimException(ShimException.Kind.UNKNOWN, "checkpoint failed: " + e.getMessage(), e);
        } catch (ShimException e) {
            var message = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
            throw new ShimException(e.kind(), message + keepLog(work), e);
        }
    }

    /** The runtime says only that CRIU failed: what CRIU itself says is worth more than that. */
    private String keepLog(Path work) {
        var kept = container.bundle().resolve(LOG);
        try {
            Files.copy(work.resolve("dump.log"), kept, StandardCopyOption.REPLACE_EXISTING);
            return firstError(kept) + " path= " + kept;
        } catch (NoSuchFileException e) {
            return ""; // CRIU did not get as far as that.
        } catch (IOException e) {
            ShimLog.warn("cannot keep CRIU's log", "id", container.id(), "error", e.getMessage());
            return "";
        }
    }

    /**
     * Of a line such as {@code (00.027902) Error (criu/vdso.c:381): vdso: ...}; later ones mostly follow from it. That
     * it may not open more files says CRIU of every container of a machine that does not let it, and goes on.
     */
    private static String firstError(Path log) throws IOException {
        try (var lines = Files.lines(log, StandardCharsets.ISO_8859_1)) {
            return lines.filter(line -> line.contains(") Error (") && !line.contains("): rlimit: "))
                    .findFirst()
                    .map(line -> ": " + line.substring(line.indexOf("Error (")))
                    .orElse("");
        }
    }

    /** Takes away what CRIU has left, also in a process before this one. */
    static void discard(Container container) {
        try (var files = Files.walk(work(container))) {
            for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (NoSuchFileException e) {
            // It has left nothing.
        } catch (IOException e) {
            ShimLog.warn("cannot remove CRIU's work folder", "id", container.id(), "error", e.getMessage());
        }
    }
}
