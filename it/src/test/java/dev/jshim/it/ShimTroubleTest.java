package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The JVM of a shim dies where something else is wrong, too. */
@ParameterizedClass(name = "{0}")
@MethodSource("newest")
class ShimTroubleTest extends ShimScenario {
    /** Of open files; a JVM alone has some forty. */
    private static final int SOFT_LIMIT = 100;

    private static final int CONTAINERS = 20;

    ShimTroubleTest(Setup setup) {
        super(setup);
    }

    /** One shim for each pod: its end comes with its container's. */
    static Stream<Setup> newest() {
        return Stream.of(new Setup(Release.V2, Product.RUNTIME, Engine.RUNC_NEWEST, false));
    }

    private void restart(Runnable change) {
        node.stop();
        change.run();
        node.start();
    }

    private void killJvm(ProcessFacts shim) {
        ProcessFacts jvm = Wait.forValue(
                () -> "a JVM of " + shim,
                () -> ProcessFacts.find(ShimProcess.jvm(shim)).orElse(null));
        Signal.KILL.to(jvm.pid());
        Wait.until("it is dead", () -> !jvm.alive());
    }

    private void awaitRestarts(Path folder, int count) {
        Wait.until(
                "the next JVM serves",
                () -> ShimProcess.status(folder, "state").equals("serving")
                        && Integer.parseInt(ShimProcess.status(folder, "restarts")) >= count);
    }

    /** The next JVM gets more than it may open, as far as the limit goes that the daemon hands on. */
    @Test
    void moreIsOpenThanTheSoftLimitAllows() {
        restart(() -> {
            node.configure("Grouping = \"node\"\n");
            node.wrap(List.of("/usr/bin/prlimit", "--nofile=" + SOFT_LIMIT + ":20000"));
        });
        List<ProcessFacts> inits = new ArrayList<>();
        for (int i = 0; i < CONTAINERS; i++) {
            inits.add(sleeper("c" + i));
        }
        ProcessFacts shim = ShimProcess.of(node, "c0");
        assertThat(ShimUse.of(shim).descriptors()).isGreaterThan(SOFT_LIMIT);

        killJvm(shim);

        for (int i = 0; i < CONTAINERS; i++) {
            assertThat(node.echo("c" + i, "e", "still here")).isEqualTo("still here");
        }
        assertThat(inits).allMatch(ProcessFacts::alive);
        assertThat(ShimProcess.status(ShimProcess.folder(node, "c0"), "restarts"))
                .isEqualTo("1");
        for (int i = 0; i < CONTAINERS; i++) {
            node.remove("c" + i);
        }
    }

    /** Its container is deleted, it was told to end, and has begun to. */
    @ParameterizedTest
    @ValueSource(strings = {"shim-left", "shim-closed", "shim-told"})
    void atTheShimsOwnEnd(String point) {
        Path died = node.dir().resolve("died");
        restart(() ->
                node.setVariable("JSHIM_JAVA_OPTS", "-Djshim.grace=3 -Djshim.fault=" + point + ":1:halt:" + died));
        sleeper("one");
        ProcessFacts shim = ShimProcess.of(node, "one");
        Path folder = ShimProcess.folder(node, "one");

        node.remove("one");

        Wait.until("it has died over its end", () -> Files.exists(died));
        Wait.until("the shim has ended", () -> !shim.alive());
        assertThat(folder).doesNotExist();
        sleeper("one");
        node.remove("one");
    }

    /** containerd has given the container up while no JVM could answer. */
    @Test
    void theBundleIsGone() throws IOException {
        ProcessFacts init = sleeper("one");
        ProcessFacts shim = ShimProcess.of(node, "one");
        Path bundle = node.bundle("one");
        Path state = Path.of("/run/containerd/runc", node.namespace(), "one");
        assertThat(state).exists();

        node.kill9();
        Files.move(bundle, node.dir().resolve("gone"));
        killJvm(shim);

        Wait.until("its process is gone", () -> !init.alive());
        Wait.until("the runtime has forgotten it", () -> Files.notExists(state));
        Wait.until("the shim has ended", () -> !shim.alive());
        node.start();
        assertThat(Tasks.of(node).tasks()).isEmpty();
        node.ctr("container", "rm", "one").ok();
    }

    @Test
    void noRoomForNotes() throws Exception {
        restart(() -> node.configure("Grouping = \"node\"\n"));
        ProcessFacts init = sleeper("one");
        ProcessFacts shim = ShimProcess.of(node, "one");
        Path folder = ShimProcess.folder(node, "one");
        try (SmallDisk notes = SmallDisk.over(folder.resolve("tasks"), "256k")) {
            notes.fill();

            Outcome refused = node.ctr(node.runArgs(runtime, List.of("-d"), "two", "/bin/sleep", "1000")
                    .toArray(String[]::new));
            assertThat(refused.code()).isNotZero();
            assertThat(refused.err()).contains("cannot be noted", "make room in /run");
            assertThat(Path.of("/run/containerd/runc", node.namespace(), "two")).doesNotExist();
            Outcome exec = node.exec("one", "unnoted", "/bin/true");
            assertThat(exec.code()).isNotZero();
            assertThat(exec.err()).contains("cannot be noted", "make room in /run");

            killJvm(shim);
            awaitRestarts(folder, 1);
            assertThat(init.alive()).isTrue();
            Wait.until("it runs", () -> Tasks.of(node).isRunning("one"));

            notes.free();
            assertThat(node.exec("one", "unnoted", "/bin/sh", "-c", "exit 3").code())
                    .isEqualTo(3);
            node.ctr("container", "rm", "two");
            sleeper("two");
            node.remove("two");
        }
        // What was in that disk is gone with it: not a container that is noted.
        node.remove("one");
    }

    /** The runtime has made it by then. */
    @Test
    void noRoomForTheNoteOfInit() throws Exception {
        restart(() -> node.configure("Grouping = \"node\"\n"));
        sleeper("one");
        Path folder = ShimProcess.folder(node, "one");
        try (SmallDisk notes = SmallDisk.over(folder.resolve("tasks"), "256k")) {
            notes.fillButOnePage();

            Outcome refused = node.ctr(node.runArgs(runtime, List.of("-d"), "two", "/bin/sleep", "1000")
                    .toArray(String[]::new));

            assertThat(refused.code()).isNotZero();
            assertThat(refused.err()).contains("cannot be noted", "make room in /run");
            assertThat(refused.err()).as("its first note had room").doesNotContain("No space left");
            assertThat(Path.of("/run/containerd/runc", node.namespace(), "two")).doesNotExist();
            assertThat(folder.resolve("tasks/two")).doesNotExist();
            node.ctr("container", "rm", "two");

            notes.free();
            sleeper("two");
            node.remove("two");
        }
        node.remove("one");
    }

    /** An exit that was heard, and for which there is no room, is not lost if the JVM dies now. */
    @Test
    void noRoomForAnExit() throws Exception {
        restart(() -> node.configure("Grouping = \"node\"\n"));
        EventLog events = EventLog.open(node);
        ProcessFacts init =
                node.runDetached(runtime, "one", "/bin/sh", "-c", "trap 'exit 7' TERM; while :; do sleep 0.1; done");
        ProcessFacts shim = ShimProcess.of(node, "one");
        Path folder = ShimProcess.folder(node, "one");
        try (SmallDisk tasks = SmallDisk.over(folder.resolve("tasks"), "256k")) {
            try (SmallDisk exits = SmallDisk.over(folder.resolve("exits"), "256k")) {
                tasks.fill();
                exits.fill();
                Signal.TERM.to(init.pid());
                assertThat(events.exit("one", "one").number("exit_status")).isEqualTo(7);
                killJvm(shim);
                awaitRestarts(folder, 1);
                Wait.until("it is stopped", () -> Tasks.of(node).isStopped("one"));
                tasks.free();
                assertThat(node.ctr("task", "rm", "one").err()).contains("exit code 7");
                assertThat(events.exit("one", "one").number("exit_status")).isEqualTo(7);
            }
        }
        node.ctr("container", "rm", "one").ok();
    }
}
