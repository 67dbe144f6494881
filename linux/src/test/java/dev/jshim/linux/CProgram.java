package dev.jshim.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Compiles and runs a small C program: what the C compiler says is what our constants must say. */
final class CProgram {
    private CProgram() {}

    static List<String> run(Path directory, String source) throws IOException, InterruptedException {
        Path file = Files.writeString(directory.resolve("program.c"), source);
        Path binary = directory.resolve("program");
        try {
            run(List.of("gcc", "-o", binary.toString(), file.toString()), directory);
        } catch (IOException e) {
            throw new AssertionError("this test compares with the C compiler: install gcc and libc6-dev", e);
        }
        return run(List.of(binary.toString()), directory);
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
