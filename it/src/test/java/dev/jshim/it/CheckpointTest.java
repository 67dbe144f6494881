package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Checkpoints by CRIU, and what is said where it takes none. */
@ParameterizedClass(name = "{0}")
@MethodSource("dev.jshim.it.Setup#all")
class CheckpointTest extends ShimScenario {
    /** What Debian 12's crun says, which is built without CRIU. */
    private static final String WITHOUT_CRIU = "unknown command checkpoint";

    /** CRIU knows of no way to open it again for a process that holds it. */
    private static final String DEVICE = "/dev/loop-control";

    private static final Duration RUNS_ON = Duration.ofMillis(300);

    CheckpointTest(Setup setup) {
        super(setup);
    }

    @Override
    void prepare() {
        Criu.prefer(node);
        node.setVariable("TMPDIR", node.dir().toString()); // The daemon leaves its copy of a checkpoint there.
    }

    @Test
    void takenAndTheContainerRunsOn() {
        if (setup.engine().takesCheckpoints()) {
            Criu.demand();
        }
        Path image = node.dir().resolve("image");
        EventLog events = EventLog.open(node);
        Counter counter = Counter.start(node, runtime, "one");

        Outcome checkpoint = node.ctr("task", "checkpoint", "--image-path", image.toString(), "one");

        if (!setup.engine().takesCheckpoints()) {
            checkpoint.expect(1);
            assertThat(checkpoint.err()).contains(WITHOUT_CRIU);
        } else {
            checkpoint.ok();
            if (setup.release() == Release.V2 || !setup.ours()) {
                // Older daemons heed the path for runtimes alone whose names begin with io.containerd.runc.
                assertThat(image.resolve("inventory.img")).exists();
            }
            if (setup.ours()) {
                Wait.until("it is told", () -> events.topics("one").contains("/tasks/checkpointed"));
            }
        }
        runsOn(counter);
    }

    @Test
    void refusedInCriusWordsAndTheContainerRunsOn() throws Exception {
        if (!setup.engine().takesCheckpoints()) {
            return; // As above.
        }
        Criu.demand();
        String[] holder = {"/bin/sh", "-c", "exec 8<" + DEVICE + "; " + Counter.argv()[2]};
        Counter counter = new Counter(Streams.start(node, runtime, List.of("--device", DEVICE), "one", holder));
        Wait.until("it counts", () -> counter.count() > 2);

        Outcome checkpoint = node.ctr("task", "checkpoint", "one");

        Path log = node.bundle("one").resolve("criu-dump.log");
        checkpoint.expect(1);
        assertThat(checkpoint.err())
                .contains(setup.engine().isCrun() ? "CRIU checkpointing failed" : "criu failed: type ", "path= " + log);
        assertThat(Files.readString(log)).contains("Can't dump file 8");
        if (setup.ours()) {
            assertThat(checkpoint.err()).contains("Can't dump file 8");
        }
        runsOn(counter);
    }

    /** Nobody can tell whether a checkpoint is whole whose end nobody has seen. */
    @Test
    void theJvmOfTheShimDiesOverIt() {
        assumeTrue(setup.ours() && setup.engine().takesCheckpoints(), "whose JVM dies");
        Criu.demand();
        Path died = node.dir().resolve("died");
        node.stop();
        node.setVariable("JSHIM_JAVA_OPTS", "-Djshim.fault=task-called-checkpoint:1:halt:" + died);
        node.start();
        Counter counter = Counter.start(node, runtime, "one");

        Outcome checkpoint = node.ctr("task", "checkpoint", "one");

        assertThat(died).exists();
        checkpoint.expect(1);
        assertThat(checkpoint.err()).contains("before you use it");
        runsOn(counter);
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

        Outcome checkpoint = node.ctr("task", "checkpoint", "one");

        checkpoint.expect(1);
        assertThat(checkpoint.err())
                .contains("OCI runtime checkpoint failed:")
                .containsIgnoringCase(setup.engine().takesCheckpoints() ? "criu" : WITHOUT_CRIU);
        runsOn(counter);
    }

    private void runsOn(Counter counter) {
        assertThat(node.bundle("one").resolve("work/criu-work")).doesNotExist();
        assertThat(Tasks.of(node).isRunning("one")).isTrue();
        Wait.pause(RUNS_ON);
        counter.awaitProgress();
        assertThat(counter.gapless()).isPositive();
        node.remove("one");
    }
}
