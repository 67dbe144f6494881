package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Processes that the kernel kills for want of memory. */
@ParameterizedClass(name = "{0}")
@MethodSource("dev.jshim.it.Setup#all")
class OomTest extends ShimScenario {
    private static final String GREEDY = Hunger.COMMAND;

    OomTest(Setup setup) {
        super(setup);
    }

    @Test
    void initIsKilled() throws IOException {
        EventLog events = EventLog.open(node);
        if (setup.ours()) {
            run("one", "exec " + GREEDY);
        } else {
            // It begins to watch when it has started the process, and may miss what was before.
            run("one", untilThereIs("go") + "exec " + GREEDY);
            create("go");
        }

        assertThat(events.exit("one", "one").number("exit_status")).isEqualTo(137);
        if (setup.ours()) {
            assertThat(events.topics("one"))
                    .containsExactly("/tasks/create", "/tasks/start", "/tasks/oom", "/tasks/exit");
        }
        node.remove("one");
        Wait.until("it is told", () -> ooms(events, "one") > 0);
        assertThat(ooms(events, "one")).isEqualTo(1);
    }

    @Test
    void execIsKilledAndInitLives() {
        EventLog events = EventLog.open(node);
        run("one", "sleep 1000");

        node.exec("one", "greedy", "/bin/sh", "-c", "exec " + GREEDY).expect(137);

        events.exit("one", "greedy");
        if (setup.ours()) {
            // It may be seen before the runtime has told that the exec runs.
            assertThat(events.topics("one"))
                    .containsSubsequence("/tasks/exec-added", "/tasks/oom", "/tasks/exit")
                    .containsOnlyOnce("/tasks/oom");
        }
        assertThat(Tasks.of(node).isRunning("one")).isTrue();
        node.remove("one");
    }

    @Test
    void eachKillIsOneEventAndAnOrdinaryEndIsNone() throws IOException {
        EventLog events = EventLog.open(node);
        run("one", untilThereIs("go") + GREEDY + "; " + untilThereIs("again") + GREEDY + "; sleep 0.2; exit 3");
        node.run(runtime, "two", "/bin/sh", "-c", "exit 137");

        create("go");
        // A shim that looks only after the second sees two kills as one, as the kernel's counter tells it.
        Wait.until("the first is told", () -> ooms(events, "one") == 1);
        create("again");
        assertThat(events.exit("one", "one").number("exit_status")).isEqualTo(3);
        events.exit("two", "two");
        node.remove("one");
        Wait.until("the second is told", () -> ooms(events, "one") >= 2);
        assertThat(ooms(events, "one")).isEqualTo(2);
        assertThat(events.topics("two")).doesNotContain("/tasks/oom");
    }

    /** What was told before a shim's JVM died is not told again, and what happens meanwhile is. */
    @Test
    void theDeathOfAJvmLosesNone() throws IOException {
        assumeTrue(setup.ours(), "whose JVM dies");
        EventLog events = EventLog.open(node);
        run("one", untilThereIs("go") + GREEDY + "; " + untilThereIs("again") + GREEDY + "; sleep 0.2; exit 3");
        create("go");
        Wait.until("the first is told", () -> ooms(events, "one") == 1);
        Path again = Path.of("/proc/" + node.init("one").pid() + "/root/again");

        long shim = Long.parseLong(
                Files.readString(node.bundle("one").resolve("shim.pid")).strip());
        Signal.KILL.to(Shims.jvm(shim));
        Files.createFile(again);

        assertThat(events.exit("one", "one").number("exit_status")).isEqualTo(3);
        node.remove("one");
        assertThat(ooms(events, "one")).isEqualTo(2);
    }

    private static String untilThereIs(String file) {
        return "until [ -e /" + file + " ]; do sleep 0.1; done; ";
    }

    private void create(String file) throws IOException {
        Files.createFile(Path.of("/proc/" + node.init("one").pid() + "/root/" + file));
    }

    private static long ooms(EventLog events, String id) {
        return events.topics(id).stream().filter("/tasks/oom"::equals).count();
    }

    private void run(String id, String script) {
        node.ctr(node.runArgs(runtime, Hunger.FLAGS, id, "/bin/sh", "-c", script)
                        .toArray(String[]::new))
                .ok();
    }
}
