package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** What cannot work is said clearly and leaves nothing behind. */
@ParameterizedClass(name = "{0}")
@MethodSource("dev.jshim.it.Setup#all")
class FailureTest extends ShimScenario {

    FailureTest(Setup setup) {
        super(setup);
    }

    @Test
    void programMissingInTheContainer() {
        Outcome run = node.run(runtime, "one", "/bin/nothing-of-that-name");

        assertThat(run.code()).isNotZero();
        assertThat(run.err()).contains("/bin/nothing-of-that-name").containsIgnoringCase("no such file or directory");
        assertThat(Tasks.of(node).tasks()).isEmpty();
    }

    @Test
    void runcIsMissing() {
        node.stop();
        node.hide("runc");
        node.start();

        Outcome run = node.run(runtime, "one", "/bin/true");

        assertThat(run.code()).isNotZero();
        assertThat(run.err()).contains("runc");
        assertThat(run.err().strip().lines()).as("one line").hasSize(1);
        assertThat(Tasks.of(node).tasks()).isEmpty();
    }

    @Test
    void unknownTask() {
        for (String[] command : new String[][] {
            {"task", "kill", "nobody"}, {"task", "ps", "nobody"}, {"task", "pause", "nobody"},
            {"task", "resume", "nobody"}, {"task", "metrics", "nobody"}, {"task", "rm", "nobody"}
        }) {
            Outcome outcome = node.ctr(command);
            assertThat(outcome.code()).as(outcome.toString()).isNotZero();
            assertThat(outcome.err()).contains("not found");
        }
    }

    @Test
    void aSecondTaskOfTheSameContainer() {
        ProcessFacts init = sleeper("one");

        Outcome second = node.ctr("task", "start", "-d", "--fifo-dir", node.fifos(), "one");

        assertThat(second.code()).isNotZero();
        assertThat(second.err()).contains("already exists");
        assertThat(init.alive()).isTrue();
        assertThat(node.echo("one", "e", "unharmed")).isEqualTo("unharmed");
        node.remove("one");
    }

    @Test
    void aRunningTaskIsNotDeleted() {
        ProcessFacts init = sleeper("one");

        Outcome removal = node.ctr("task", "rm", "one");

        assertThat(removal.code()).isNotZero();
        assertThat(init.alive()).isTrue();
        node.remove("one");
    }

    @Test
    void killedTwice() {
        EventLog events = EventLog.open(node);
        sleeper("one");
        node.ctr("task", "kill", "-s", "KILL", "one").ok();
        events.exit("one", "one");

        assertThat(node.ctr("task", "kill", "-s", "KILL", "one").err()).contains("process already finished");
        node.ctr("task", "rm", "one").ok();
        node.ctr("container", "rm", "one").ok();
        assertThat(events.exits("one", "one")).hasSize(1);
    }
}
