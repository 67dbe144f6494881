package dev.jshim.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Compiles and runs a small C program: what the C compiler says is what our constants must say. */
final class CProgram {
    /** It goes on with its second thread, which ends with a signal alone. */
    static final String FIRST_THREAD_ENDS = """
            #include <pthread.h>
            #include <unistd.h>
            static void *rest(void *nothing) {
                for (;;) pause();
            }
            int main(void) {
                pthread_t thread;
                pthread_create(&thread, NULL, rest, NULL);
                pthread_exit(NULL);
            }
            """;

    private CProgram() {}

    static List<String> run(Path directory, String source) throws IOException, InterruptedException {
        return run(List.of(build(directory, source).toString()), directory);
    }

    /** Compiles it into the directory. */
    static Path build(Path directory, String source) throws IOException, InterruptedException {
        Path file = Files.writeString(directory.resolve("program.c"), source);
        Path binary = directory.resolve("program");
        try {
            run(List.of("gcc", "-pthread", "-o", binary.toString(), file.toString()), directory);
        } catch (IOException e) {
            throw new AssertionError("this test needs the C compiler: install gcc and libc6-dev", e);
        }
        return binary;
    }

    private static List<String> run(List<String> command, Path directory) throws IOException, InterruptedException {
        Path output = directory.resolve("output");
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
        builder.environment().put("LC_ALL", "C");
        Process process = builder.start();
        if (!process.waitFor(20, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError(command + " takes too long");
        }
        if (process.exitValue() != 0) {
            throw new AssertionError(command + " failed: " + Files.readString(output));
        }
        return Files.readAllLines(output);
    }
}
