package dev.jshim.ctl.cli;

import dev.jshim.linux.OpenFiles;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Runs a program, most often an OCI runtime, which may hang: it is killed when its time is over. */
public final class RuntimeCall {
    private RuntimeCall() {}

    /**
     * What came of it.
     *
     * @param done whether it exited with 0
     * @param said its last line, or why it did not run
     * @param all that it said; empty if it did not run to its end
     */
    public record Outcome(boolean done, String said, String all) {
        private Outcome(String failure) {
            this(false, failure, "");
        }
    }

    public static Outcome run(List<String> command, Duration timeout) {
        @Nullable Path log = null;
        try {
            // a file, since a child of the runtime could keep a pipe open after it
            log = Files.createTempFile("jshimctl", ".log");
            var process = OpenFiles.start(
                    new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()));
            process.getOutputStream().close();
            if (!process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly();
                return new Outcome("did not end within " + timeout.toMillis() + " ms");
            }
            var said = Files.readString(log, StandardCharsets.ISO_8859_1).strip();
            var last = said.substring(said.lastIndexOf('\n') + 1);
            return new Outcome(process.exitValue() == 0, last.isEmpty() ? "exit " + process.exitValue() : last, said);
        } catch (IOException e) {
            return new Outcome("cannot be run: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new Outcome("interrupted");
        } finally {
            delete(log);
        }
    }

    private static void delete(@Nullable Path log) {
        try {
            if (log != null) {
                Files.deleteIfExists(log);
            }
        } catch (IOException e) {
            log.toFile().deleteOnExit();
        }
    }
}
