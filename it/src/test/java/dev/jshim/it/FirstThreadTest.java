package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Containers whose init goes on without its first thread: what is killed ends, and what has not ended is not said to
 * have. The Go shim leaves the killing to the runtime, which takes them for dead.
 */
@ParameterizedClass(name = "{0}")
@MethodSource("ours")
class FirstThreadTest extends ShimScenario {
    FirstThreadTest(Setup setup) {
        super(setup);
    }

    static Stream<Setup> ours() {
        return Setup.all().filter(setup -> setup.ours() && setup.release() == Release.V2);
    }

    @Test
    void itIsKilled() {
        EventLog events = EventLog.open(node);
        ProcessFacts init = FirstThread.run(node, runtime, List.of("-d"), "one");
        // In another's pid namespace, where a container's processes do not end with its init.
        String pids = "pid:/proc/" + sleeper("holder").pid() + "/ns/pid";
        ProcessFacts shared = FirstThread.run(node, runtime, List.of("-d", "--with-ns", pids), "two");
        ProcessFacts child = ProcessFacts.of(FirstThread.child(shared));
        assertThat(Tasks.of(node).isRunning("one")).isTrue();
        assertThat(node.ctr("task", "metrics", "one").ok().out()).contains("memory");

        node.ctr("task", "kill", "-s", "KILL", "one").ok();
        node.ctr("task", "kill", "-a", "-s", "KILL", "two").ok();

        for (String id : List.of("one", "two")) {
            assertThat(events.exit(id, id).number("exit_status")).isEqualTo(137);
            node.ctr("task", "rm", id).ok();
            node.ctr("container", "rm", id).ok();
        }
        assertThat(init.alive()).isFalse();
        assertThat(shared.alive()).isFalse();
        Wait.until("the child has gone with it", () -> !child.alive());
        node.remove("holder");
    }

    @Test
    void itsShimIsKilled() {
        EventLog events = EventLog.open(node);
        ProcessFacts init = FirstThread.run(node, runtime, List.of("-d"), "one");
        ProcessFacts child = ProcessFacts.of(FirstThread.child(init));

        Signal.KILL.to(init.parent());

        events.exit("one", "one");
        Wait.until("the task is gone", () -> !Tasks.of(node).has("one"));
        Wait.until("its processes are gone", () -> !init.alive() && !child.alive());
        node.ctr("container", "rm", "one").ok();
    }
}
