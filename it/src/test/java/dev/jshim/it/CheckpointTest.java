package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Checkpoints by CRIU; where the machine's CRIU and kernel do not go together, what is said about it. */
@ParameterizedClass(name = "{0}")
@MethodSource("dev.jshim.it.Setup#all")
class CheckpointTest extends ShimScenario {
    /** What Debian's crun says, which is built without CRIU. */
    private static final String WITHOUT_CRIU = "unknown command checkpoint";

    private static final Duration RUNS_ON = Duration.ofMillis(300);

    CheckpointTest(Setup setup) {
        super(setup);
    }

    @Test
    void takenOrRefusedInCriusWordsAndTheContainerRunsOn() throws Exception {
        boolean able = Run.of(List.of("criu", "check")).run().code() == 0;
        Path image = node.dir().resolve("image");
        Counter counter = Counter.start(node, runtime, "one");
        counter.awaitProgress();

        Outcome checkpoint = node.ctr("task", "checkpoint", "--image-path", image.toString(), "one");

        if (setup.engine() == Engine.CRUN) {
            assertThat(checkpoint.code()).isEqualTo(1);
            assertThat(checkpoint.err()).contains(WITHOUT_CRIU);
        } else if (able) {
            checkpoint.ok();
        } else {
            Path log = node.bundle("one").resolve("criu-dump.log");
            assertThat(checkpoint.code()).isEqualTo(1);
            assertThat(checkpoint.err()).contains("criu failed: type DUMP", "path= " + log);
            assertThat(Files.readString(log)).contains("Error (criu/");
            if (setup.ours()) {
                assertThat(checkpoint.err()).contains("Error (criu/");
            }
        }
        assertThat(node.bundle("one").resolve("work/criu-work")).doesNotExist();
        assertThat(Tasks.of(node).isRunning("one")).isTrue();
        counter.awaitProgress();
        assertThat(counter.gapless()).isPositive();
        node.remove("one");
    }

    @Test
    void aMachineWithoutCriuIsTold() {
        if (!setup.ours()) {
            return; // The Go shim fails in the same way, but for the words.
        }
        node.stop();
        node.hide("criu");
        node.start();
        Counter counter = Counter.start(node, runtime, "one");
        counter.awaitProgress();

        Outcome checkpoint = node.ctr("task", "checkpoint", "one");

        assertThat(checkpoint.code()).isEqualTo(1);
        assertThat(checkpoint.err())
                .contains("OCI runtime checkpoint failed:", setup.engine() == Engine.CRUN ? WITHOUT_CRIU : "criu");
        Wait.pause(RUNS_ON);
        counter.awaitProgress();
        assertThat(counter.gapless()).isPositive();
        node.remove("one");
    }
}
