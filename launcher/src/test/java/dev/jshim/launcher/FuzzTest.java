package dev.jshim.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What reads others' words, with sanitizers: from seeds of a fixed order, a minute of other ones with all. */
@Timeout(300)
class FuzzTest {
    @TempDir
    Path folder;

    @Test
    void noMessageAndNoStateDoesHarm() throws Exception {
        fuzz(Programs.fuzzKeeper(), "messages");
    }

    @Test
    void nothingThatTheLauncherReadsDoesHarm() throws Exception {
        fuzz(Programs.fuzzLauncher(), "answers");
    }

    private void fuzz(Path program, String seedFolder) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                program.toString(), Programs.ALL ? "60" : "2", Programs.ALL ? Long.toString(System.nanoTime()) : "1"));
        try (Stream<Path> seeds = Files.list(Path.of("src/test/resources/dev/jshim/launcher", seedFolder))) {
            seeds.sorted().map(seed -> seed.toAbsolutePath().toString()).forEach(command::add);
        }
        Path findings = folder.resolve("findings");
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(Files.createDirectory(folder.resolve("work")).toFile())
                .redirectOutput(folder.resolve("output").toFile())
                .redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.environment().put("ASAN_OPTIONS", "detect_leaks=0:log_path=" + findings);
        builder.environment().put("UBSAN_OPTIONS", "print_stacktrace=1:log_path=" + findings);
        int status = builder.start().waitFor();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
                System.out.println(Files.readString(file).trim());
            }
        }
        assertThat(status).as(command.toString()).isZero();
    }
}
