package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** The JVM of a shim dies, and nobody notices but for a pause: its keeper starts another one. */
@ParameterizedClass(name = "{0}")
@MethodSource("dev.jshim.it.Setup#lasting")
class ShimDeathTest extends ShimScenario {
    /** What containerd says of a shim whose connection has ended. */
    private static final String[] NOTICED = {"shim disconnected", "cleaning up", "copy shim log", "ttrpc: closed"};

    ShimDeathTest(Setup setup) {
        super(setup);
    }

    @Test
    void aContainerGoesOn() throws Exception {
        EventLog events = EventLog.open(node);
        ProcessFacts init = sleeper("one");
        long shim = shim("one");
        assertThat(init.parent()).as("the keeper is its parent").isEqualTo(shim);

        ProcessFacts dead = killJvm("one");

        awaitInit("one", init);
        assertThat(node.echo("one", "e", "still here")).isEqualTo("still here");
        assertThat(node.exec("one", "f", "/bin/sh", "-c", "exit 7").code()).isEqualTo(7);
        assertThat(jvm("one")).isNotEqualTo(dead);
        assertThat(shim("one")).isEqualTo(shim);
        assertUnnoticed();
        node.ctr("task", "kill", "-s", "KILL", "one").ok();
        assertThat(events.exit("one", "one").number("exit_status")).isEqualTo(137);
        assertThat(node.ctr("task", "rm", "one").err()).contains("exit code 137");
        node.ctr("container", "rm", "one").ok();
        assertThat(events.exits("one", "one")).hasSize(1);
        assertThat(events.exits("one", "e")).hasSize(1);
        assertThat(events.exits("one", "f")).hasSize(1);
    }

    @Test
    void whoWaitsHearsTheExit() throws Exception {
        EventLog events = EventLog.open(node);
        CompletableFuture<Outcome> waits = CompletableFuture.supplyAsync(
                () -> node.run(runtime, "one", "/bin/sh", "-c", "until [ -e /heard ]; do sleep 0.1; done; exit 9"));
        Wait.until(
                "it runs",
                () -> Tasks.of(node).has("one")
                        && Tasks.of(node).get("one").status().equals("RUNNING"));

        killJvm("one");
        assertThat(node.echo("one", "e", "still here")).isEqualTo("still here");
        assertUnnoticed();
        heard("one");

        assertThat(waits.get().code()).isEqualTo(9);
        assertThat(events.exit("one", "one").number("exit_status")).isEqualTo(9);
        assertThat(events.exits("one", "one")).hasSize(1);
    }

    /** Its own code, once, however the exit falls between the JVM's death and the next one's birth. */
    @Test
    void anExitWhileThereIsNoJvm() throws Exception {
        EventLog events = EventLog.open(node);
        for (int round = 0; round < 3; round++) {
            String id = "c" + round;
            int ended = noticed().size();
            ProcessFacts init = sleeper(id);
            ProcessFacts jvm = jvm(id);

            Run.of(List.of("/bin/sh", "-c", "kill -KILL " + jvm.pid() + "; kill -KILL " + init.pid()))
                    .run()
                    .ok();

            assertThat(events.exit(id, id).number("exit_status")).isEqualTo(137);
            Wait.until("it is stopped", () -> Tasks.of(node).get(id).status().equals("STOPPED"));
            assertThat(noticed()).hasSize(ended);
            assertThat(node.ctr("task", "rm", id).err()).contains("exit code 137");
            node.ctr("container", "rm", id).ok();
            assertThat(events.exits(id, id)).hasSize(1);
        }
    }

    /** The third event is the exit: containerd has answered it, and the JVM dies before that is noted. */
    @Test
    void itDiesOverTheAnswerToAnExit() throws Exception {
        node.stop();
        Path died = node.dir().resolve("died");
        node.setVariable("JSHIM_JAVA_OPTS", "-Djshim.grace=3 -Djshim.fault=event-sent:3:halt:" + died);
        node.start();
        EventLog events = EventLog.open(node);
        ProcessFacts init = sleeper("one");

        Signal.KILL.to(init.pid());

        assertThat(events.exit("one", "one").number("exit_status")).isEqualTo(137);
        Wait.until("it has died over it", () -> Files.exists(died));
        Wait.until("it is stopped", () -> Tasks.of(node).get("one").status().equals("STOPPED"));
        assertThat(node.ctr("task", "rm", "one").err()).contains("exit code 137");
        node.ctr("container", "rm", "one").ok();
        Wait.until("its deletion", () -> events.topics("one").contains("/tasks/delete"));
        assertThat(events.topics("one"))
                .containsExactly("/tasks/create", "/tasks/start", "/tasks/exit", "/tasks/delete");
    }

    @Test
    void itDiesAgainAndAgain() throws Exception {
        ProcessFacts init = sleeper("one");
        for (int round = 0; round < 5; round++) {
            killJvm("one");
            assertThat(node.exec("one", "e" + round, "/bin/true").code()).isZero();
        }
        awaitInit("one", init);
        assertUnnoticed();
        node.remove("one");
    }

    @Test
    void theDaemonIsRestartedMeanwhile() throws Exception {
        ProcessFacts init = sleeper("one");

        node.kill9();
        killJvm("one");
        node.start();

        awaitInit("one", init);
        assertThat(node.echo("one", "e", "still here")).isEqualTo("still here");
        killJvm("one");
        node.remove("one");
    }

    @Test
    void itsEndLeavesNothing() throws Exception {
        sleeper("one");
        Path folder = folder("one");
        long shim = shim("one");
        killJvm("one");

        node.remove("one");

        Wait.until("the shim has ended", () -> ProcessFacts.find(shim).isEmpty());
        assertThat(folder).doesNotExist();
    }

    @Test
    void thePlaceOfItsNotesIsItsUsersAlone() throws Exception {
        sleeper("one");
        assertThat(Files.getPosixFilePermissions(folder("one"))).hasSize(3);
        node.remove("one");
    }

    @Test
    void killOfTheKeeperIsTheEndOfTheShim() throws Exception {
        EventLog events = EventLog.open(node);
        ProcessFacts init = sleeper("one");
        ProcessFacts jvm = jvm("one");

        Signal.KILL.to(shim("one"));

        events.exit("one", "one");
        Wait.until("the task is gone", () -> !Tasks.of(node).has("one"));
        Wait.until("its process is gone", () -> !init.alive());
        Wait.until("the JVM is gone", () -> !jvm.alive());
        node.ctr("container", "rm", "one").ok();
    }

    @Test
    void itsLogGoesOn() throws Exception {
        sleeper("one");
        killJvm("one");
        Wait.until("it says so", () -> node.logText().contains("end=\"signal 9\" restarts=\"1\""));
        Signal.TERM.to(jvm("one").pid());
        Wait.until("it says so again", () -> node.logText().contains("end=\"exit 143\" restarts=\"2\""));
        node.remove("one");
    }

    /** containerd takes a task for unknown that does not answer within 2 s, as on a busy machine between two JVMs. */
    private void awaitInit(String id, ProcessFacts init) {
        Wait.until("init is what it was", () -> Tasks.of(node).get(id).pid() == init.pid());
        assertThat(node.init(id)).isEqualTo(init);
    }

    private long shim(String id) throws IOException {
        return Long.parseLong(
                Files.readString(node.bundle(id).resolve("shim.pid")).strip());
    }

    /** The JVM that runs now, when there is one. */
    private ProcessFacts jvm(String id) throws IOException {
        long shim = shim(id);
        return Wait.forValue(
                () -> "a JVM of " + shim,
                () -> ProcessFacts.find(Shims.jvm(shim)).orElse(null));
    }

    private ProcessFacts killJvm(String id) throws IOException {
        ProcessFacts jvm = jvm(id);
        Signal.KILL.to(jvm.pid());
        Wait.until("it is dead", () -> !jvm.alive());
        return jvm;
    }

    private Path folder(String id) throws IOException {
        String address = Files.readString(node.bundle(id).resolve("address")).strip();
        return Path.of(address.substring("unix://".length()))
                .resolveSibling(".")
                .normalize();
    }

    /** Before a container's end: then its shim ends, too, which containerd says in the same words. */
    private void assertUnnoticed() {
        assertThat(noticed()).isEmpty();
    }

    private List<String> noticed() {
        return node.logText()
                .lines()
                .filter(line -> Stream.of(NOTICED).anyMatch(line::contains))
                .toList();
    }
}
