package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** What a program of the tree left behind, its streams read to their end as containerd reads them. */
record Launched(int code, ByteString out, String err, Duration took) {

    private static final Duration LIMIT = Duration.ofMinutes(2);

    /** Runs a program to the end of its streams; kills it after two minutes. */
    static Launched run(Path folder, Map<String, String> environment, List<String> command) {
        return run(folder, environment, command, "");
    }

    static Launched run(Path folder, Map<String, String> environment, List<String> command, String input) {
        try {
            Path in = Files.writeString(Files.createTempFile("jshim-it", ".in"), input);
            Path err = Files.createTempFile("jshim-it", ".err");
            var builder = new ProcessBuilder(command)
                    .directory(folder.toFile())
                    .redirectInput(in.toFile())
                    .redirectError(err.toFile());
            builder.environment().putAll(environment);
            long begin = System.nanoTime();
            Process process = builder.start();
            Thread watch = Thread.ofVirtual().start(() -> end(process));
            ByteString out = ByteString.readFrom(process.getInputStream());
            int code = process.waitFor();
            Duration took = Duration.ofNanos(System.nanoTime() - begin);
            watch.interrupt();
            String message = Files.readString(err);
            Files.delete(in);
            Files.delete(err);
            return new Launched(code, out, message, took);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static void end(Process process) {
        try {
            if (!process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException ended) {
            Thread.currentThread().interrupt();
        }
    }

    String text() {
        return out.toStringUtf8();
    }

    /** The text of a program that must have ended well and without a word on stderr. */
    String result() {
        assertThat(err).isEmpty();
        assertThat(code).isZero();
        return text();
    }
}
