package dev.jshim.bridge.migrate;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/** A command line of the operator's, run by sh; what it says is passed on line by line. */
final class HostCommand {
    private final String line;
    private final Consumer<String> progress;

    HostCommand(String line, Consumer<String> progress) {
        this.line = line;
        this.progress = progress;
    }

    /**
     * Runs it to its end. What it leaves running must not hold its output: {@code systemctl} and {@code apt} do not.
     *
     * @throws IOException where it ends with another code than 0
     */
    void run() throws IOException {
        progress.accept("$ " + line);
        var builder = new ProcessBuilder("/bin/sh", "-c", line).redirectErrorStream(true);
        // What tests put on our own JVM is not for those of the command.
        builder.environment().remove("JSHIM_JAVA_OPTS");
        var process = builder.start();
        process.getOutputStream().close();
        try (var out = process.inputReader(StandardCharsets.UTF_8)) {
            for (var said = out.readLine(); said != null; said = out.readLine()) {
                progress.accept("| " + said);
            }
            var code = process.waitFor();
            if (code != 0) {
                throw new IOException("'" + line + "' ended with " + code);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted during '" + line + "'", e);
        }
    }
}
