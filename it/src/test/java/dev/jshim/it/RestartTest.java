package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** The daemon or the shim ends before the container does. */
@ParameterizedClass(name = "{0}")
@MethodSource("dev.jshim.it.Setup#all")
class RestartTest extends ShimScenario {

    RestartTest(Setup setup) {
        super(setup);
    }

    @Test
    void theDaemonIsKilledAndStartedAgain() {
        ProcessFacts init = sleeper("one");
        long shim = init.parent();

        node.kill9();
        assertThat(init.alive()).isTrue();
        node.start();

        assertThat(node.init("one")).isEqualTo(init);
        assertThat(init.parent()).isEqualTo(shim);
        assertThat(node.echo("one", "e", "still here")).isEqualTo("still here");
        EventLog events = EventLog.open(node);
        node.ctr("task", "kill", "-s", "KILL", "one").ok();
        assertThat(events.exit("one", "one").number("exit_status")).isEqualTo(137);
        node.ctr("task", "rm", "one").ok();
        node.ctr("container", "rm", "one").ok();
    }

    @Test
    void theDaemonIsStoppedAndStartedAgain() {
        ProcessFacts one = sleeper("one");
        ProcessFacts two = sleeper("two");

        node.stop();
        node.start();

        assertThat(node.init("one")).isEqualTo(one);
        assertThat(node.init("two")).isEqualTo(two);
        node.remove("one");
        node.remove("two");
    }

    @Test
    void anExitWhileTheDaemonIsDownIsKnownAfterwards() {
        ProcessFacts init = sleeper("one");

        node.kill9();
        Signal.KILL.to(init.pid());
        Wait.until("init has ended", () -> !init.alive());
        node.start();

        Wait.until("the task is stopped", () -> Tasks.of(node).isStoppedOrGone("one"));
        // Newer daemons clean up a task that has no processes; of ours an ended one has its init.
        if (setup.ours() || Tasks.of(node).has("one")) {
            assertThat(Tasks.of(node).get("one").status()).isEqualTo("STOPPED");
            assertThat(node.ctr("task", "rm", "one").ok().err()).contains("exit code 137");
        }
        node.ctr("container", "rm", "one").ok();
    }

    @Test
    void theShimIsKilled() {
        forgiveTheGoShim();
        EventLog events = EventLog.open(node);
        ProcessFacts init = sleeper("one");
        ProcessFacts bystander = sleeper("two");

        Signal.KILL.to(init.parent());

        events.exit("one", "one");
        Wait.until("the task is gone", () -> !Tasks.of(node).has("one"));
        Wait.until("its process is gone", () -> !init.alive());
        assertThat(node.bundle("one")).doesNotExist();
        if (setup.wholeNode()) {
            events.exit("two", "two"); // It had the same shim.
            Wait.until("the other task is gone", () -> !Tasks.of(node).has("two"));
            node.ctr("container", "rm", "two").ok();
        } else {
            assertThat(bystander.alive()).isTrue();
            node.remove("two");
        }
        node.ctr("container", "rm", "one").ok();
    }

    @Test
    void theShimIsKilledWhileTheDaemonIsDown() {
        forgiveTheGoShim();
        ProcessFacts init = sleeper("one");
        ProcessFacts shim = ProcessFacts.of(init.parent());

        node.kill9();
        Signal.KILL.to(shim.pid());
        Wait.until("the shim is gone", () -> !shim.alive());
        node.start();

        assertThat(Tasks.of(node).tasks()).isEmpty();
        Wait.until("its process is gone", () -> !init.alive());
        node.ctr("container", "rm", "one").ok();
    }

    @Test
    void theSameIdIsUsedAgain() {
        for (int round = 0; round < 3; round++) {
            ProcessFacts init = sleeper("one");
            assertThat(Tasks.of(node).tasks()).isEqualTo(List.of(new Tasks.Task("one", init.pid(), "RUNNING")));
            node.remove("one");
        }
    }
}
