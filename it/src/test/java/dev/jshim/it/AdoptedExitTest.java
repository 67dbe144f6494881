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
    /** Longer than a bridge waits for the v1 shim's own word. */
    private static final Duration SILENCE = Duration.ofSeconds(7);

    private static final String BY_THE_SHIM = "event published";
    private static final String BY_THE_BRIDGE = "event forwarded";

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
        // This bridge starts with the old address. At the next apply one with the new address replaces it.
        migrate("apply", "--yes").ok();
        node.stop();
        node.moveSocket("c.sock.moved");
        upgrade();
        EventLog events = EventLog.open(node);
        node.exec("one", "e", "/bin/true").ok();
        assertThat(events.exit("one", "e").number("exit_status")).isZero();
        new KeptBridge(node).kill(); // The next one is started with the new address, too.

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
    void theShimTells() {
        Streams one = endsOnRequest("one", 7);
        node.logEvents();
        upgrade();
        awaitKnown();
        EventLog events = EventLog.open(node);

        one.write("now");

        assertOnce(events, 7);
        assertThat(exits(BY_THE_SHIM)).isEqualTo(1);
        assertThat(exits(BY_THE_BRIDGE)).isZero();
        removeAll(Map.of("one", 7));
    }

    /** A client that deletes at once makes an end of the v1 shim, which may not have told yet. */
    @Test
    void itIsDeletedAtOnce() throws IOException {
        Streams one = endsOnRequest("one", 7);
        upgrade();
        awaitKnown();
        EventLog events = EventLog.open(node);
        ProcessFacts init = node.init("one");
        ProcessFacts shim = ProcessFacts.of(Long.parseLong(
                Files.readString(node.legacyBundle("one").resolve("shim.pid")).strip()));
        one.write("now");
        Wait.until("it ends", () -> !init.alive());
        removeAll(Map.of("one", 7));

        assertOnce(events, 7);
        Wait.until("the deletion is told", () -> events.topics("one").contains("/tasks/delete"));
        assertThat(events.topics("one")).endsWith("/tasks/exit", "/tasks/delete");
        Wait.until("the v1 shim is gone", () -> !shim.alive());
    }

    @Test
    void theDaemonIsDown() {
        Streams one = endsOnRequest("one", 7);
        ProcessFacts init = node.init("one");
        node.logEvents();
        upgrade();
        node.kill9();
        one.write("now");
        Wait.until("it ends", () -> !init.alive());
        Wait.pause(SILENCE); // The v1 shim has given up by then, and the bridge must not.
        awaitGivenUp();
        node.start();

        Wait.until("it is told", () -> exits(BY_THE_BRIDGE) == 1);
        EventLog.open(node).quiet(SILENCE);
        assertThat(exits("")).isEqualTo(1);
        removeAll(Map.of("one", 7));
    }

    /** Nobody can say then whether the v1 shim's own word came through. */
    @Test
    void theDaemonDiesAsItIsTold() {
        Streams one = endsOnRequest("one", 7);
        ProcessFacts init = node.init("one");
        node.logEvents();
        upgrade();
        awaitKnown();
        one.write("now");
        Wait.until("it ends", () -> !init.alive());
        node.kill9();
        node.start();

        Wait.until("it is told", () -> exits("") >= 1);
        EventLog.open(node).quiet(SILENCE);
        assertThat(exits("")).isBetween(1L, 2L);
        assertThat(exits(BY_THE_BRIDGE)).isEqualTo(1);
        removeAll(Map.of("one", 7));
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
        node.logEvents();
        upgrade();
        awaitKnown();
        EventLog before = EventLog.open(node);
        three.write("now");
        assertThat(before.exit("three", "three").number("exit_status")).isEqualTo(9);
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
        awaitGivenUp();
        migrate("apply", "--yes").ok();
        node.start();
        Wait.until("two exits are told, one of an exec that a v1 shim does not list", () -> exits(BY_THE_BRIDGE) == 2);
        awaitKnown();
        EventLog events = EventLog.open(node);
        one.write("now");

        assertOnce(events, 7);
        assertThat(exits(BY_THE_BRIDGE)).isEqualTo(2);
        assertThat(exits(""))
                .as("with those that the shims told: three's and one's")
                .isEqualTo(4);
        assertThat(Tasks.of(node).get("two").status()).isEqualTo("STOPPED");
        removeAll(Map.of("one", 7, "two", 8, "three", 9));
    }

    /** containerd runs on, and does not notice; what the v1 shims told it meanwhile is not told again. */
    @Test
    void theBridgeDiesUnderContainerd() throws IOException {
        Streams before = endsOnRequest("before", 6);
        Streams between = endsOnRequest("between", 7);
        Streams after = endsOnRequest("after", 9);
        ProcessFacts init = node.init("between");
        Path held = Files.createFile(node.dir().resolve("held")); // The first bridge is not held.
        node.stop();
        migrate(Map.of("JSHIM_JAVA_OPTS", "-Djshim.fault=bridge-begins:1:hold:" + held), "apply", "--yes")
                .ok();
        node.switchTo(Release.V2);
        awaitKnown();
        EventLog events = EventLog.open(node);
        before.write("now");
        assertThat(events.exit("before", "before").number("exit_status")).isEqualTo(6);
        Files.delete(held);

        Signal.KILL.to(bridge());
        Wait.until(Duration.ofSeconds(30), "the next bridge knows nothing yet", () -> Files.exists(held));
        between.write("now");
        Wait.until("it ends", () -> !init.alive());
        Wait.until("the shim has told", () -> told(events, "between", 7) > 0);
        Files.delete(held);
        Wait.until("the bridge knows that it was told", () -> isNoted("between", init.pid(), 7));
        after.write("now");
        Wait.until("the shim has told", () -> told(events, "after", 9) > 0);

        events.quiet(SILENCE);
        assertThat(told(events, "before", 6)).isEqualTo(1);
        assertThat(told(events, "between", 7)).isEqualTo(1);
        assertThat(told(events, "after", 9)).isEqualTo(1);
        node.stop();
        node.start();
        removeAll(Map.of("before", 6, "between", 7, "after", 9));
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
        return BridgeNotes.of(node, id)
                .anyMatch(notes ->
                        Integer.valueOf(code).equals(notes.getReportedMap().get(pid + " " + id)));
    }

    /** Waits until the v1 shims have given up what they had to tell a daemon that is down. */
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

    /** How many exits the daemons have been told so far, and by whom, by their log. */
    private long exits(String by) {
        return node.logText()
                .lines()
                .filter(line -> line.contains("topic=/tasks/exit") && line.contains(node.namespace()))
                .filter(line -> line.contains(by))
                .count();
    }

    private static void assertOnce(EventLog events, int code) {
        assertThat(events.exit("one", "one").number("exit_status")).isEqualTo(code);
        events.quiet(SILENCE);
        assertThat(events.exits("one", "one")).hasSize(1);
    }
}
