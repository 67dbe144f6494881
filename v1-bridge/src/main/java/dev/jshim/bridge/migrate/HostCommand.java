package dev.jshim.bridge.migrate;

import dev.jshim.linux.OpenFiles;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** A command line of the operator's, run by sh; what it says is passed on line by line. */
final class HostCommand {
    private static final Duration LOOK = Duration.ofMillis(100);

    private final String line;
    private final Progress progress;

    HostCommand(String line, Progress progress) {
        this.line = line;
        this.progress = progress;
    }

    /**
     * Runs it to its end. What it leaves running may go on writing: its output is a file, which nobody has to read and
     * whose end nobody waits for.
     *
     * @throws IOException where it ends with another code than 0
     */
    void run() throws IOException {
        progress.line("$ " + line);
        var file = Files.createTempFile("jshim-command", ".log");
        try (var said = Files.newInputStream(file)) {
            var builder = new ProcessBuilder("/bin/sh", "-c", line)
                    .redirectErrorStream(true)
                    .redirectOutput(file.toFile());
            // What tests put on our own JVM is not for those of the command.
            builder.environment().remove("JSHIM_JAVA_OPTS");
            var process = OpenFiles.start(builder);
            process.getOutputStream().close();
            var rest = "";
            while (!process.waitFor(LOOK.toMillis(), TimeUnit.MILLISECONDS)) {
                rest = tell(rest + read(said));
            }
            rest = tell(rest + read(said));
            if (!rest.isEmpty()) {
                progress.line("| " + rest);
            }
            if (process.exitValue() != 0) {
                throw new IOException("'" + line + "' exited with " + process.exitValue());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted during '" + line + "'", e);
        } finally {
            Files.delete(file);
        }
    }

    private static String read(InputStream from) throws IOException {
        return new String(from.readAllBytes(), StandardCharsets.UTF_8);
    }

    /** Tells all whole lines, and answers with what comes after them. */
    private String tell(String text) {
        var end = text.lastIndexOf('\n') + 1;
        text.substring(0, end).lines().forEach(said -> progress.line("| " + said));
        return text.substring(end);
    }
}
