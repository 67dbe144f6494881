package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** An adopted process's exit is told once, whether the v1 shim's own word comes through or not, and keeps its code. */
@ParameterizedClass(name = "from containerd {0}")
@MethodSource("oneOldRelease")
class AdoptedExitTest extends MigrationScenario {
    /** Longer than any bridge here waits for the v1 shim's own word. */
    private static final Duration SILENCE = Duration.ofSeconds(7);

    AdoptedExitTest(Release old) {
        super(old);
    }

    @Test
    void theBinaryThatTheShimWouldRunHasMoved() {
        node.stop();
        node.runFromCopy();
        node.start();
        Streams one = endsOnRequest("one", 7);
        node.stop();
        node.removeCopy();
        upgrade();
        EventLog events = EventLog.open(node);

        one.write("now");

        assertOnce(events, 7);
        assertThat(node.ctr("task", "rm", "one").ok().err()).contains("exit code 7");
        node.ctr("container", "rm", "one").ok();
    }

    @Test
    void theAddressThatTheShimWouldTellHasChanged() {
        Streams one = endsOnRequest("one", 7);
        migrate("apply", "--yes").ok(); // The bridge starts with the old address, and is told the new one.
        node.stop();
        node.moveSocket("c.sock.moved");
        upgrade();
        EventLog events = EventLog.open(node);
        node.exec("one", "e", "/bin/true").ok();
        assertThat(events.exit("one", "e").number("exit_status")).isZero();

        one.write("now");

        assertOnce(events, 7);
        assertThat(events.exits("one", "e")).hasSize(1);
        assertThat(node.ctr("task", "rm", "one").ok().err()).contains("exit code 7");
        node.ctr("container", "rm", "one").ok();
    }

    @Test
    void theDaemonIsDown() {
        Streams one = endsOnRequest("one", 7);
        ProcessFacts init = node.init("one");
        node.stop();
        applyPatiently();
        node.switchTo(Release.V2);
        node.kill9();
        one.write("now");
        Wait.until("it ends", () -> !init.alive());
        Wait.pause(SILENCE); // The v1 shim has given up by then, and the bridge must not.
        node.start();
        EventLog events = EventLog.open(node);

        assertOnce(events, 7);
        assertThat(node.ctr("task", "rm", "one").ok().err()).contains("exit code 7");
        node.ctr("container", "rm", "one").ok();
    }

    @Test
    void theBridgeIsStartedAgain() {
        Streams one = endsOnRequest("one", 7);
        Streams two = endsOnRequest("two", 8);
        ProcessFacts init = node.init("two");
        upgrade();
        node.stop();
        Signal.KILL.to(bridge());
        two.write("now"); // Nobody is there to see it.
        Wait.until("it ends", () -> !init.alive());
        applyPatiently();
        node.start();
        EventLog events = EventLog.open(node);
        assertThat(Tasks.of(node).get("two").status()).isEqualTo("STOPPED");
        // From then on the bridge listens.
        assertThat(events.exit("two", "two").number("exit_status")).isEqualTo(8);

        one.write("now");

        assertOnce(events, 7);
        assertThat(events.exits("two", "two")).hasSize(1);
        assertThat(node.ctr("task", "rm", "one").ok().err()).contains("exit code 7");
        assertThat(node.ctr("task", "rm", "two").ok().err()).contains("exit code 8");
        node.ctr("container", "rm", "one", "two").ok();
    }

    /** With a bridge that holds exits back for so long that the test listens by then, however slow the machine is. */
    private void applyPatiently() {
        Product.ctl(node, Map.of("JSHIM_JAVA_OPTS", "-Djshim.exit.patience=6"), "migrate", "apply", "--yes")
                .ok();
    }

    private static void assertOnce(EventLog events, int code) {
        assertThat(events.exit("one", "one").number("exit_status")).isEqualTo(code);
        events.quiet(SILENCE);
        assertThat(events.exits("one", "one")).hasSize(1);
    }
}
