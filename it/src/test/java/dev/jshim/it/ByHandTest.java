package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands of docs/by-hand.md, run as they stand there: a shim, but no containerd. */
class ByHandTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    @TempDir
    private Path temp;

    @Test
    void theCommandsOfThePageWork() throws Exception {
        Path script =
                Files.writeString(temp.resolve("script"), Page.of("by-hand.md").script());
        String name = "jt%06x".formatted(ThreadLocalRandom.current().nextInt(1 << 24));
        Leftovers left = Leftovers.of(name);
        try {
            Outcome run = Run.of(List.of(
                            "env", "NAME=" + name, "JSHIM_HOME=" + Product.home(), "sh", "-eu", script.toString()))
                    .within(LIMIT)
                    .run()
                    .ok();

            // ls names other containerds of the machine, such as those of other tests, and what listens for none.
            assertThat(run.err()
                            .lines()
                            .filter(line -> !line.contains("to another containerd: --root"))
                            .filter(line ->
                                    !line.endsWith(" has a listener, but no bundle names it") || line.contains(name)))
                    .isEmpty();
            assertThat(run.out())
                    .startsWith("unix:///run/jshim/s/")
                    .containsSubsequence("status: RUNNING", "running", "exit_status: 3", "exit_status: 7", "hello")
                    .as("field 2 of the DeleteResponse")
                    .containsPattern("\\b10 07\\b");
            String group = run.out()
                    .lines()
                    .findFirst()
                    .orElseThrow()
                    .replaceFirst("^unix://", "")
                    .replaceFirst("/sock$", "");
            Wait.until("the shim has ended", () -> Files.notExists(Path.of(group)));
            left.assertNone(LIMIT);
            assertThat(Path.of("/tmp", name)).doesNotExist();
        } finally {
            left.remove();
        }
    }
}
