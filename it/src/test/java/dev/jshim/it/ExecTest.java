package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Further processes in a running container. */
@ParameterizedClass(name = "{0}")
@MethodSource("dev.jshim.it.Setup#allWays")
class ExecTest extends ShimScenario {

    ExecTest(Setup setup) {
        super(setup);
    }

    @Test
    void outputAndExitCode() {
        sleeper("one");

        Outcome exec = node.exec(
                List.of(Turn.listen("out"), Turn.afterwards("err")),
                "one",
                "e",
                "/bin/sh",
                "-c",
                "echo out; echo err >&2; " + Turn.HEARD + "; exit 3");

        exec.expect(3);
        assertThat(exec.out()).isEqualTo("out");
        assertThat(exec.err()).contains("err");
        node.remove("one");
    }

    @Test
    void inputEndsByCloseIo() {
        sleeper("one");

        assertThat(node.echo("one", "e", "hi")).isEqualTo("hi");
        node.remove("one");
    }

    @Test
    void missingBinaryIsReportedInRuncsWords() {
        sleeper("one");

        Outcome exec = node.exec("one", "e", "/bin/nothing-of-that-name");

        assertThat(exec.code()).isNotZero();
        assertThat(exec.err()).contains("/bin/nothing-of-that-name").containsIgnoringCase("no such file or directory");
        assertThat(Tasks.of(node).isRunning("one")).isTrue();
        node.exec("one", "e", "/bin/true").ok();
        node.remove("one");
    }

    @Test
    void inTheBackgroundListedAndKilledAlone() {
        EventLog events = EventLog.open(node);
        ProcessFacts init = sleeper("one");

        node.ctr("task", "exec", "-d", "--fifo-dir", node.fifos(), "--exec-id", "worker", "one", "/bin/sleep", "999")
                .ok();
        ProcessFacts worker = ProcessList.of(node, "one").exec("worker");
        assertThat(worker).isNotEqualTo(init);
        assertThat(ProcessList.of(node, "one").pids()).contains(init.pid(), worker.pid());

        node.ctr("task", "kill", "-s", "KILL", "--exec-id", "worker", "one").ok();
        assertThat(events.exit("one", "worker").number("exit_status")).isEqualTo(137);
        assertThat(worker.alive()).isFalse();
        assertThat(init.alive()).isTrue();
        node.ctr("task", "rm", "--exec-id", "worker", "one").expect(137);

        node.remove("one");
        Wait.until(
                "the exit of init in " + events.all(),
                () -> !events.exits("one", "one").isEmpty());
        assertThat(events.topics("one"))
                .containsSubsequence(
                        "/tasks/create",
                        "/tasks/start",
                        "/tasks/exec-added",
                        "/tasks/exec-started",
                        "/tasks/exit",
                        "/tasks/exit");
        assertThat(events.exits("one", "worker")).hasSize(1);
        assertThat(events.exits("one", "one")).hasSize(1);
    }

    @Test
    void execsEndWithTheirContainer() {
        EventLog events = EventLog.open(node);
        sleeper("one");
        node.ctr("task", "exec", "-d", "--fifo-dir", node.fifos(), "--exec-id", "worker", "one", "/bin/sleep", "999")
                .ok();
        ProcessFacts worker = ProcessList.of(node, "one").exec("worker");

        node.ctr("task", "kill", "-s", "KILL", "one").ok();

        events.exit("one", "one");
        assertThat(events.exit("one", "worker").number("exit_status")).isEqualTo(137);
        assertThat(events.of("one").stream()
                        .filter(event -> event.topic().equals("/tasks/exit"))
                        .map(event -> event.text("id")))
                .as("init's exit is the last one")
                .containsExactly("worker", "one");
        assertThat(worker.alive()).isFalse();
        node.ctr("task", "rm", "one").ok();
        node.ctr("container", "rm", "one").ok();
    }

    @Test
    void refused() {
        ProcessFacts init = sleeper("one");
        node.ctr("task", "exec", "-d", "--fifo-dir", node.fifos(), "--exec-id", "worker", "one", "/bin/sleep", "999")
                .ok();

        assertThat(node.exec("one", "worker", "/bin/true").err()).contains("already exists");
        assertThat(node.exec("nobody", "e", "/bin/true").err()).contains("not found");
        assertThat(node.exec("one", "a/b", "/bin/true").code()).isNotZero();
        assertThat(node.exec("one", "..", "/bin/true").code()).isNotZero();

        assertThat(init.alive()).isTrue();
        node.exec("one", "e", "/bin/true").ok();
        node.remove("one");
    }

    /** The shims of 1.6 and 1.7 listen for 2 s, that of 2 for 10. Under ours nobody dies of writing later. */
    @Test
    void whatItLeavesInTheBackgroundIsHeardAsLongAsByTheGoShim() {
        Path root = Path.of("/proc/" + sleeper("one").pid() + "/root");
        boolean hears = setup.release() == Release.V2;

        Outcome exec = node.execRun(
                        new byte[0],
                        "one",
                        "e",
                        "/bin/sh",
                        "-c",
                        "(until [ -e /go ]; do sleep 0.1; done; echo late; sleep 0.5; echo yes >/alive) & echo now"
                                + UNTIL_HEARD)
                .whenSaid("now\n".length(), () -> {
                    heard("one");
                    if (hears) {
                        LockSupport.parkNanos(Duration.ofSeconds(3).toNanos());
                        touch(root.resolve("go"));
                    }
                })
                .run()
                .ok();

        assertThat(exec.out()).isEqualTo(hears ? "now\nlate" : "now");
        if (setup.ours()) {
            touch(root.resolve("go"));
            Wait.until("it wrote and lives", () -> Files.exists(root.resolve("alive")));
        }
        assertThat(Tasks.of(node).isRunning("one")).isTrue();
        node.remove("one");
    }

    private static void touch(Path file) {
        try {
            Files.write(file, new byte[0]);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
