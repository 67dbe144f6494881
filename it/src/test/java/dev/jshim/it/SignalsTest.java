package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Whom a signal reaches. */
@ParameterizedClass(name = "{0}")
@MethodSource("dev.jshim.it.Setup#all")
class SignalsTest extends ShimScenario {
    /** Init is deaf to USR1, its child is not. Both say when they are ready for it. */
    private static final String DEAF_INIT_AND_CHILD = """
            (trap 'echo child >/got' USR1; echo >/child; while :; do sleep 0.05; done) &
            trap '' USR1
            echo >/init
            while :; do sleep 0.05; done""";

    SignalsTest(Setup setup) {
        super(setup);
    }

    @Test
    void allMeansEveryProcess() {
        Path rootfs = node.rootfs();
        run(rootfs, List.of("-d"), DEAF_INIT_AND_CHILD);
        Wait.until(
                "both are ready", () -> Files.exists(rootfs.resolve("init")) && Files.exists(rootfs.resolve("child")));

        node.ctr("task", "kill", "-s", "USR1", "one").ok();
        assertThat(rootfs.resolve("got")).as("only init was meant").doesNotExist();
        node.ctr("task", "kill", "-a", "-s", "USR1", "one").ok();

        if (setup.engine().killsAll()) {
            Wait.until("the child has it", () -> Files.exists(rootfs.resolve("got")));
        }
        assertThat(Tasks.of(node).isRunning("one")).isTrue();
        node.remove("one");
    }

    /** In the pid namespace of another container, as in a pod that shares one, nothing dies with init by itself. */
    @Test
    void initTakesTheRestAlongWhereItSharesItsPids() {
        EventLog events = EventLog.open(node);
        ProcessFacts holder = sleeper("holder");
        List<String> flags = List.of("-d", "--with-ns", "pid:/proc/" + holder.pid() + "/ns/pid");
        run(node.rootfs(), flags, "sleep 1000 & exec sleep 999");
        ProcessFacts init = node.init("one");
        ProcessFacts child = Wait.forValue(
                "a child of init",
                () -> ProcessList.of(node, "one").pids().stream()
                        .filter(pid -> pid != init.pid())
                        .findFirst()
                        .map(ProcessFacts::of)
                        .orElse(null));

        node.ctr("task", "kill", "-s", "KILL", "one").ok();

        assertThat(events.exit("one", "one").number("exit_status")).isEqualTo(137);
        Wait.until("the child has gone with it", () -> !child.alive());
        assertThat(holder.alive()).isTrue();
        node.ctr("task", "rm", "one").ok();
        node.ctr("container", "rm", "one").ok();
        node.remove("holder");
    }

    private void run(Path rootfs, List<String> flags, String script) {
        node.ctr(node.runArgs(runtime, flags, rootfs, "one", "/bin/sh", "-c", script)
                        .toArray(String[]::new))
                .ok();
    }
}
