package dev.jshim.launcher;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** The programs of these tests, compiled where they are needed. */
final class Programs {
    private static final Path MODULE = Path.of("").toAbsolutePath();
    private static final Path FOLDER = MODULE.resolve("target/test-programs");

    /** Where the launcher of the tests looks for groups. */
    static final Path GROUPS = MODULE.resolve("target/groups");

    private static final Path LAUNCHER = MODULE.resolve("src/main/c/launcher.c");
    private static final Path SOURCE = MODULE.resolve("src/main/c/keeper.c");
    private static final List<String> SANITIZERS =
            List.of("-g", "-O1", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize-recover");

    /** Whether the tests run with a keeper that the compiler's sanitizers look into. */
    static final boolean SANITIZED = Boolean.getBoolean("jshim.keeper.sanitized");

    static final boolean ALL = Boolean.getBoolean("jshim.test.all");

    private static final Path KEEPER = SANITIZED
            ? compile("keeper-sanitized", SOURCE, concat(SANITIZERS, flags()))
            : MODULE.resolve("target/jshim-keeper");
    private static final Path STUB =
            compile("stub", MODULE.resolve("src/test/c/stub.c"), List.of("-Wall", "-Werror", "-O1"));

    private static final Map<String, Path> LAUNCHERS = new HashMap<>();

    private Programs() {}

    static Path keeper() {
        return KEEPER;
    }

    /** What stands in for the JVM. */
    static Path stub() {
        return STUB;
    }

    /** A keeper whose state has another format, as one of another version may have. */
    static Path keeperOfFormat(int format) {
        return compile("keeper-" + format, SOURCE, concat(flags(), List.of("-Os", "-static", "-DFORMAT=" + format)));
    }

    /** With the C library of the machine, and what that checks. */
    static Path withGlibc() {
        return compile("keeper-glibc", SOURCE, concat(flags(), List.of("-Os", "-static")));
    }

    /** One whose clock of the wall is wrong, see src/test/c/clock.h. */
    static Path keeperWithClock() {
        String clock = MODULE.resolve("src/test/c/clock.h").toString();
        return compile("keeper-clock", SOURCE, concat(flags(), List.of("-Os", "-static", "-include", clock)));
    }

    /** Feeds the reader of messages and that of the state, see src/test/c/fuzz-keeper.c. */
    static Path fuzzKeeper() {
        return compile("fuzz-keeper", MODULE.resolve("src/test/c/fuzz-keeper.c"), concat(SANITIZERS, flags()));
    }

    /**
     * The launcher, with folders of groups that are the tests' own.
     *
     * @param define more of its constants, as {@code NAME=VALUE}
     */
    static synchronized Path launcher(String name, String... define) {
        return LAUNCHERS.computeIfAbsent(name, _ -> compileLauncher(name, define));
    }

    private static Path compileLauncher(String name, String... define) {
        List<String> constants = Stream.concat(Stream.of("GROUPS=\"" + GROUPS + '"'), Stream.of(define))
                .map(constant -> "-D" + constant)
                .toList();
        return compile(name, LAUNCHER, concat(concat(SANITIZED ? SANITIZERS : List.of("-Os"), flags()), constants));
    }

    /** Feeds the launcher's readers, see src/test/c/fuzz-launcher.c. */
    static Path fuzzLauncher() {
        return compile("fuzz-launcher", MODULE.resolve("src/test/c/fuzz-launcher.c"), concat(SANITIZERS, flags()));
    }

    private static List<String> flags() {
        try (Stream<String> lines = Files.lines(MODULE.resolve("src/main/c/flags"))) {
            return lines.filter(line -> !line.startsWith("#"))
                    .flatMap(line -> Arrays.stream(line.split(" ")))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<String> concat(List<String> first, List<String> second) {
        return Stream.concat(first.stream(), second.stream()).toList();
    }

    private static synchronized Path compile(String name, Path source, List<String> flags) {
        Path program = FOLDER.resolve(name);
        try {
            Files.createDirectories(FOLDER);
            List<String> command = new ArrayList<>(List.of("gcc", "-DVERSION=\"0\"", "-o", program.toString()));
            command.addAll(flags);
            command.add(source.toString());
            Path output = FOLDER.resolve(name + ".log");
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile())
                    .start();
            if (!process.waitFor(5, TimeUnit.MINUTES) || process.exitValue() != 0) {
                process.destroyForcibly();
                throw new AssertionError(command + " failed: " + Files.readString(output));
            }
            return program;
        } catch (IOException e) {
            throw new UncheckedIOException("install gcc and libc6-dev", e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
