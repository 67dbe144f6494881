package dev.jshim.linux;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** In a JVM of its own: a subreaper that waits for any child would take the children of the test runner. */
class ReaperTest {
    @TempDir
    Path directory;

    @Test
    void reapsOrphansOfItsChildren() throws Exception {
        assertThat(java("C.UTF-8"))
                .startsWith("comm jshim-a-very-lo", "subreaper false", "subreaper true", "leader true")
                .contains("parent SigIgn THP_enabled:\t0")
                .containsSubsequence(
                        "no child ECHILD",
                        "early null",
                        "peeked own true 3",
                        "seen [3, 8]",
                        "all reaped ECHILD",
                        "child SigIgn:\t0000000000000000")
                .anySatisfy(line -> assertThat(line).matches("parent SigIgn SigIgn:\t[0-9a-f]*[2367abef]"));
    }

    @Test
    void unmountsNamesThatTheLocaleCannotWrite() throws Exception {
        Path below = Files.createDirectories(directory.resolve("a/name ü"));
        Mounts.mount("tmpfs", below, "tmpfs", 0, "size=4k");
        try {
            assertThat(java("C", directory.resolve("a").toString())).isEmpty();
            assertThat(Mounts.isMountPoint(below)).isFalse();
        } finally {
            Mounts.unmountRecursive(below);
        }
    }

    private List<String> java(String locale, String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--illegal-native-access=deny",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-cp",
                place(Spawn.class) + File.pathSeparator + place(ReaperProgram.class),
                ReaperProgram.class.getName()));
        command.addAll(List.of(arguments));
        Path output = directory.resolve("output");
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
        builder.environment().put("LC_ALL", locale);
        builder.environment().remove("JAVA_TOOL_OPTIONS");
        Process process = builder.start();
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError("does not end, so far: " + Files.readString(output));
        }
        String text = Files.readString(output, UTF_8);
        assertThat(process.exitValue()).as(text).isZero();
        return text.lines().toList();
    }

    private static String place(Class<?> type) throws Exception {
        return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI())
                .toString();
    }
}
