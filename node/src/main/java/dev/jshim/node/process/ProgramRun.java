package dev.jshim.node.process;

import dev.jshim.linux.OpenFiles;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A program that was run to its end and had nothing to read.
 *
 * @param code its exit code
 * @param out what it wrote to its standard output
 * @param err what it wrote to its standard error
 */
public record ProgramRun(int code, String out, String err) {

    /**
     * Runs a program, which may hang: it is killed when its time is over.
     *
     * @throws IOException if it cannot be run, or was killed; the message does not name it
     */
    public static ProgramRun of(List<String> command, Duration limit) throws IOException {
        // Files, since a child of the program could keep a pipe open after it.
        var folder = Files.createTempDirectory("jshim-run");
        var out = folder.resolve("out");
        var err = folder.resolve("err");
        try {
            var process = start(command, out, err);
            process.getOutputStream().close();
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly();
                throw new IOException("did not end within " + limit.toMillis() + " ms");
            }
            return new ProgramRun(process.exitValue(), read(out), read(err));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } finally {
            Files.deleteIfExists(out);
            Files.deleteIfExists(err);
            Files.deleteIfExists(folder);
        }
    }

    private static Process start(List<String> command, Path out, Path err) throws IOException {
        try {
            return OpenFiles.start(
                    new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile()));
        } catch (IOException e) {
            throw new IOException("cannot be run: " + e.getMessage(), e);
        }
    }

    private static String read(Path file) throws IOException {
        return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    }

    /** The last line that it wrote, the errors first; {@code exit N} if it was silent. */
    public String lastLine() {
        for (var text : List.of(err.strip(), out.strip())) {
            if (!text.isEmpty()) {
                return text.substring(text.lastIndexOf('\n') + 1);
            }
        }
        return "exit " + code;
    }
}
