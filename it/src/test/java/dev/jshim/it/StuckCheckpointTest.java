package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A real CRIU that stops in the midst of its work, when it holds the container's processes: it calls a script there,
 * which does not come back, or ends it.
 */
@ParameterizedClass(name = "{0}")
@MethodSource("dev.jshim.it.Setup#restoring")
class StuckCheckpointTest extends ShimScenario {
    StuckCheckpointTest(Setup setup) {
        super(setup);
    }

    @Override
    void prepare() {
        Criu.prefer(node);
        node.configure("CriuTimeout = 5\n");
        node.setVariable("TMPDIR", node.dir().toString());
        node.setVariable("CRIU_CONFIG_FILE", node.dir().resolve("criu.conf").toString());
    }

    @Test
    void whatHangsIsEndedInTimeAndTheContainerRunsOn() {
        failsAndTheContainerRunsOn(
                "exec sleep 1000", "checkpoint did not end within 5 s and was killed, together with its children");
    }

    @Test
    void aCriuThatIsKilledLeavesTheContainerRunningOrPaused() {
        failsAndTheContainerRunsOn("kill -9 $PPID", "OCI runtime checkpoint failed: ");
        if (setup.ours()) {
            sleeper("two");
            node.ctr("task", "pause", "two").ok();
            node.ctr("task", "checkpoint", "two").expect(1); // CRIU has thawed it.
            assertThat(Tasks.of(node).get("two").status()).isEqualTo("PAUSED");
            node.ctr("task", "resume", "two").ok();
            node.remove("two");
        }
    }

    private void failsAndTheContainerRunsOn(String action, String message) {
        Criu.demand();
        if (!setup.ours()) {
            return; // The Go shim has no deadline of its own.
        }
        EventLog events = EventLog.open(node);
        Path seen = stopCriu(action);
        Counter counter = Counter.start(node, runtime, "one");

        Outcome checkpoint = node.ctr("task", "checkpoint", "one");

        checkpoint.expect(1);
        assertThat(checkpoint.err()).contains(message);
        assertThat(seen).as("CRIU came as far as that").exists();
        for (String pid : read(seen)) {
            Wait.until(
                    pid + " of CRIU is gone",
                    () -> ProcessFacts.find(Long.parseLong(pid))
                            .filter(ProcessFacts::alive)
                            .isEmpty());
        }
        assertThat(Tasks.of(node).isRunning("one")).isTrue();
        counter.awaitProgress();
        assertThat(counter.gapless()).isPositive();
        node.ctr("task", "pause", "one").ok();
        node.ctr("task", "resume", "one").ok();
        counter.awaitProgress();
        node.ctr("task", "kill", "-s", "TERM", "one").ok();
        assertThat(events.exit("one", "one").number("exit_status")).isEqualTo(42);
        node.remove("one");
    }

    /** Makes CRIU do that; the file then has the numbers of CRIU and of the script. */
    private Path stopCriu(String action) {
        Path script = node.dir().resolve("criu-script");
        Path seen = node.dir().resolve("criu-seen");
        try {
            Files.writeString(script, """
                    #!/bin/sh
                    [ "$CRTOOLS_SCRIPT_ACTION" = network-lock ] || exit 0
                    echo $PPID >%s; echo $$ >>%s
                    %s
                    """.formatted(seen, seen, action));
            Files.writeString(node.dir().resolve("criu.conf"), "action-script " + script + "\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        assertThat(script.toFile().setExecutable(true)).isTrue();
        return seen;
    }

    private static List<String> read(Path file) {
        try {
            return Files.readAllLines(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
