package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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

    /** Whose place for events is not beside the other, but stands in its configuration. */
    @Test
    @LongRun
    void theSocketForEventsIsElsewhere() throws IOException {
        String elsewhere = "[ttrpc]\n  address = \"%s\"\n".formatted(node.dir().resolve("c.sock.events"));
        node.stop();
        node.runFromCopy();
        node.addConfiguration(elsewhere);
        node.start();
        Streams one = endsOnRequest("one", 7);
        node.stop();
        node.removeCopy(); // The shim's own word does not come.
        Product.ctl(node, "--config", node.dir().resolve("config.toml").toString(), "migrate", "apply", "--yes")
                .ok();
        node.switchTo(Release.V2);
        node.stop();
        Files.delete(Path.of(node.socket() + ".ttrpc"));
        node.addConfiguration(elsewhere);
        node.start();
        EventLog events = EventLog.open(node);

        one.write("now");

        assertOnce(events, 7);
        removeAll(Map.of("one", 7));
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
        awaitGivenUp();
        node.start();
        EventLog events = EventLog.open(node);

        assertOnce(events, 7);
        assertThat(node.ctr("task", "rm", "one").ok().err()).contains("exit code 7");
        node.ctr("container", "rm", "one").ok();
    }

    /** Everything that can be said of an exit is said once, by whichever bridge: nobody waits for anybody here. */
    @Test
    void theBridgeIsStartedAgain() throws IOException {
        Streams one = endsOnRequest("one", 7);
        Streams two = endsOnRequest("two", 8);
        Streams three = endsOnRequest("three", 9);
        Path rootOfOne = Path.of("/proc/" + node.init("one").pid() + "/root");
        ProcessFacts init = node.init("two");
        long told = node.init("three").pid();
        upgrade();
        EventLog before = EventLog.open(node);
        three.write("now");
        assertThat(before.exit("three", "three").number("exit_status")).isEqualTo(9);
        // A bridge that begins to hear containerd later than this test does is sure of it only after a while.
        Wait.until("the bridge knows that it was told", () -> isNoted("three", told, 9));
        node.ctr(
                        "task",
                        "exec",
                        "--detach",
                        "--fifo-dir",
                        node.fifos(),
                        "--exec-id",
                        "e",
                        "one",
                        "/bin/sh",
                        "-c",
                        "until [ -e /go ]; do sleep 0.05; done; exit 5")
                .ok();
        ProcessFacts exec = ProcessList.of(node, "one").exec("e");
        node.stop();
        killBridgeForGood();
        two.write("now"); // Nobody is there to see it.
        Wait.until("it ends", () -> !init.alive());
        Files.createFile(rootOfOne.resolve("go"));
        Wait.until("it ends", () -> !exec.alive());
        Wait.pause(Duration.ofSeconds(3));
        awaitGivenUp();
        applyPatiently();
        node.start();
        // The shim may tell of it sooner than the bridge hears containerd, or this test does: then it is not counted.
        EventLog events = EventLog.open(node);
        one.write("now");
        events.exit("two", "two");
        events.exit("one", "e");

        assertOnce(events, 7);
        assertThat(events.exits("two", "two"))
                .singleElement()
                .satisfies(event -> assertThat(event.number("exit_status")).isEqualTo(8));
        assertThat(events.exits("one", "e"))
                .as("of an exec that a v1 shim does not list any more")
                .singleElement()
                .satisfies(event -> assertThat(event.number("exit_status")).isEqualTo(5));
        assertThat(events.exits("three", "three"))
                .as("told before, under the first bridge")
                .isEmpty();
        assertThat(Tasks.of(node).get("two").status()).isEqualTo("STOPPED");
        removeAll(Map.of("one", 7, "two", 8, "three", 9));
    }

    /** containerd runs on, and does not notice; what the v1 shims told it meanwhile is not told again. */
    @Test
    void theBridgeDiesUnderContainerd() throws IOException {
        Streams before = endsOnRequest("before", 6);
        Streams between = endsOnRequest("between", 7);
        Streams deaf = endsOnRequest("deaf", 8);
        Streams after = endsOnRequest("after", 9);
        ProcessFacts init = node.init("deaf");
        long first = node.init("before").pid();
        Path held = Files.createFile(node.dir().resolve("held")); // The first bridge is not held.
        node.stop();
        migrate(Map.of("JSHIM_JAVA_OPTS", "-Djshim.fault=feed-finds:1:hold:" + held), "apply", "--yes")
                .ok();
        node.switchTo(Release.V2);
        EventLog events = EventLog.open(node);
        before.write("now");
        assertThat(events.exit("before", "before").number("exit_status")).isEqualTo(6);
        // A bridge that is killed sooner leaves nothing: the next one would tell of it again, as it should.
        awaitHeard();
        Wait.until("the bridge knows that it was told", () -> isNoted("before", first, 6));
        Files.delete(held);

        Signal.KILL.to(bridge());
        between.write("now");
        Wait.until(Duration.ofSeconds(30), "the next bridge has not heard containerd yet", () -> Files.exists(held));
        deaf.write("now");
        Wait.until("it ends", () -> !init.alive());
        Wait.until("the shims have told", () -> told(events, "between", 7) > 0 && told(events, "deaf", 8) > 0);
        Files.delete(heard()); // The killed bridge's, which this one has read.
        Files.delete(held);
        awaitHeard();
        after.write("now");
        Wait.until("the shim has told", () -> told(events, "after", 9) > 0);

        events.quiet(SILENCE);
        assertThat(told(events, "before", 6)).isEqualTo(1);
        assertThat(told(events, "between", 7)).isEqualTo(1);
        assertThat(told(events, "deaf", 8)).isEqualTo(1);
        assertThat(told(events, "after", 9)).isEqualTo(1);
        node.stop();
        node.start();
        removeAll(Map.of("before", 6, "between", 7, "deaf", 8, "after", 9));
    }

    /** A bridge that is started again by itself goes by what it was told last, not by its command line. */
    @Test
    @LongRun
    void theAddressHasChangedAndTheBridgeDies() {
        Streams one = endsOnRequest("one", 7);
        migrate("apply", "--yes").ok();
        node.stop();
        node.moveSocket("c.sock.moved");
        migrate("apply", "--yes").ok();
        node.switchTo(Release.V2);

        Signal.KILL.to(bridge());

        Wait.until(
                Duration.ofSeconds(30),
                "another bridge serves",
                () -> Product.ctl(node, "bridge", "verify").code() == 0);
        node.stop();
        node.start();
        EventLog events = EventLog.open(node);
        one.write("now");
        assertOnce(events, 7);
        removeAll(Map.of("one", 7));
    }

    /** Whether the next bridge will know that the exit of this container was told. */
    private boolean isNoted(String id, long pid, int code) {
        try {
            return Files.readAllLines(node.bundle(id).resolve("jshim.exits"))
                    .contains("told %d %d %s".formatted(pid, code, id));
        } catch (IOException e) {
            return false; // Nothing is noted yet.
        }
    }

    /**
     * Waits until the v1 shims have given up what they had to tell a daemon that is down, for which they try two
     * seconds: what one tells it when the bridge hears it and this test does not yet, nobody tells again.
     */
    private void awaitGivenUp() {
        Wait.until(
                "no shim publishes",
                () -> ProcessFacts.withCommand(" publish ", node.socket().toString())
                        .isEmpty());
    }

    private static long told(EventLog events, String id, int code) {
        return events.exits(id, id).stream()
                .filter(event -> event.number("exit_status") == code)
                .count();
    }

    /** Removes containers that have exited with these codes. */
    private void removeAll(Map<String, Integer> codes) {
        codes.forEach((id, code) -> {
            assertThat(node.ctr("task", "rm", id).ok().err()).contains("exit code " + code);
            node.ctr("container", "rm", id).ok();
        });
    }

    /** With a bridge that holds exits back for so long that the test listens by then, however slow the machine is. */
    private void applyPatiently() {
        migrate(Map.of("JSHIM_JAVA_OPTS", "-Djshim.exit.patience=6"), "apply", "--yes")
                .ok();
    }

    private static void assertOnce(EventLog events, int code) {
        assertThat(events.exit("one", "one").number("exit_status")).isEqualTo(code);
        events.quiet(SILENCE);
        assertThat(events.exits("one", "one")).hasSize(1);
    }
}
