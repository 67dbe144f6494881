package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A bridge that is killed between containerd's word to delete a container and the end of what was of v1: the next one
 * answers, and ends it. At {@code deletion-begun} the v1 shim has not been asked yet.
 */
@ParameterizedClass(name = "from containerd {0}")
@MethodSource("oneOldRelease")
class AdoptedEndTest extends MigrationScenario {
    private static final Duration LONG = Duration.ofSeconds(30);

    AdoptedEndTest(Release old) {
        super(old);
    }

    /** Where it is killed, in the order in which a bridge comes there. */
    static Stream<String> points() {
        return Boolean.getBoolean("jshim.test.all")
                ? Stream.of("deletion-begun", "deletion-done", "deletion-noted", "end-begun", "end-shim", "end-bundle")
                : Stream.of("deletion-begun", "deletion-done");
    }

    private Path held(String point) {
        Path file = node.dir().resolve("held");
        node.stop();
        migrate(Map.of("JSHIM_JAVA_OPTS", "-Djshim.fault=" + point + ":1:hold:" + file), "apply", "--yes")
                .ok();
        node.switchTo(Release.V2);
        return file;
    }

    @ParameterizedTest(name = "killed at {0}")
    @MethodSource("points")
    void theNextBridgeEndsIt(String point) {
        ProcessFacts one = legacy("one");
        ProcessFacts other = legacy("other");
        long shim = one.parent();
        ProcessFacts shimProcess = ProcessFacts.of(shim);
        Path held = held(point);
        long first = bridge();
        node.ctr("task", "kill", "-s", "KILL", "one").ok();
        Wait.until("it stops", () -> Tasks.of(node).isStopped("one"));
        CompletableFuture<Outcome> deletion = CompletableFuture.supplyAsync(() -> node.ctr("task", "rm", "one"));
        Wait.until(LONG, "the bridge is at " + point, () -> Files.exists(held));

        Signal.KILL.to(first);

        assertThat(deletion.join().ok().err()).contains("exit code 137");
        assertThat(node.log()).content().doesNotContainPattern("shim disconnected.* id=other ");
        Wait.until(
                LONG,
                "nothing of v1 is left",
                () -> !Files.exists(node.legacyWork("one"))
                        && !Files.exists(node.legacyBundle("one"))
                        && !shimProcess.alive());
        assertThat(Tasks.of(node).has("one")).isFalse();
        assertThat(node.bundle("one")).doesNotExist();
        assertThat(node.init("other")).isEqualTo(other);
        node.ctr("container", "rm", "one").ok();
        node.remove("other");
    }

    /** Its record is started once more before anybody has cleared away what was of v1. */
    @ParameterizedTest(name = "the v1 shim is dead: {0}")
    @ValueSource(booleans = {false, true})
    void aNewTaskOfTheIdIsLeftAlone(boolean shimDies) {
        ProcessFacts shim = deletedAndNotEnded();
        if (shimDies) {
            Signal.KILL.to(shim.pid());
            node.forgiveStaleSockets();
        }
        node.ctr("task", "start", "-d", "--fifo-dir", node.fifos(), "one").ok();
        ProcessFacts fresh = node.init("one");

        Product.ctl(node, "bridge", "start").ok();

        Wait.until(
                LONG,
                "nothing of v1 is left",
                () -> !Files.exists(node.legacyWork("one"))
                        && !Files.exists(node.legacyBundle("one"))
                        && !shim.alive());
        assertThat(fresh.alive()).isTrue();
        node.exec("one", "e", "/bin/sh", "-c", "exit 3").expect(3);
        node.remove("one");
    }

    /** Nobody starts a bridge for what is no more: {@code finish} and {@code rollback} end it themselves. */
    @Test
    void withoutABridgeTheEndOfTheMigrationEndsIt() {
        ProcessFacts shim = deletedAndNotEnded();
        node.ctr("container", "rm", "one").ok();

        migrate("finish", "--yes").ok();

        assertThat(shim.alive()).isFalse();
        assertThat(node.legacyWork("one")).doesNotExist();
        assertThat(node.legacyBundle("one")).doesNotExist();
        assertThat(node.state().resolve("jshim")).doesNotExist();
    }

    /** A container that was deleted, and a bridge that died before it cleared away; answers with its v1 shim. */
    private ProcessFacts deletedAndNotEnded() {
        ProcessFacts one = legacy("one");
        ProcessFacts shim = ProcessFacts.of(one.parent());
        Path held = held("end-begun");
        node.ctr("task", "kill", "-s", "KILL", "one").ok();
        Wait.until("it stops", () -> Tasks.of(node).isStopped("one"));
        node.ctr("task", "rm", "one").ok();
        Wait.until(LONG, "the bridge is there", () -> Files.exists(held));
        killBridgeForGood();
        Wait.until("containerd is done with it", () -> !Files.exists(node.bundle("one")));
        return shim;
    }
}
