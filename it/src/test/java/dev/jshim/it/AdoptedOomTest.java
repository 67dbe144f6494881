package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Kills for want of memory in an adopted container: the daemon told of them once, now the bridge does. */
@ParameterizedClass(name = "from containerd {0}")
@MethodSource("oldReleases")
class AdoptedOomTest extends MigrationScenario {
    private static final String GREEDY = "exec " + Hunger.COMMAND;

    /**
     * Without a process that begins and ends all the time: where another one has just been killed, and its memory is
     * not given back yet, the kernel kills once more for what a fork needs.
     */
    private static final String WAIT = "busybox mkfifo %1$s; read _ <%1$s; ";

    AdoptedOomTest(Release old) {
        super(old);
    }

    @Test
    void eachKillIsToldOnceWhoeverServes() throws IOException {
        node.stop();
        node.logEvents();
        node.start();
        EventLog ofOld = EventLog.open(node);
        limited("one", WAIT.formatted("/go") + GREEDY);
        killOneExec("before", ofOld);
        migrate("apply", "--yes").ok();
        killOneExec("adopted", ofOld);
        // Each time that the kernel notifies it, which may be more than once for a kill.
        Wait.until("still told by the old daemon", () -> oomLines("event published") >= 2);
        ofOld.quiet(Duration.ofSeconds(1));
        assertThat(oomLines("event forwarded")).as("told by the bridge").isZero();

        node.stop();
        node.switchTo(Release.V2);
        EventLog ofNew = EventLog.open(node);
        killOneExec("upgraded", ofNew);
        assertThat(ooms(ofNew)).isEqualTo(1);

        awaitNoted(node.init("one"));
        node.stop();
        Signal.KILL.to(bridge());
        migrate("apply", "--yes").ok();
        node.start();
        EventLog restarted = EventLog.open(node);
        tell(node.init("one"), "go");
        assertThat(restarted.exit("one", "one").number("exit_status")).isEqualTo(137);
        // The exit is the v1 shim's own word, and may be the quicker one.
        Wait.until("the kill is told", () -> ooms(restarted) > 0);
        node.remove("one");
        assertThat(ooms(restarted)).isEqualTo(1);
    }

    /** Also that of an init, whose cgroup could not be found by its process any more. */
    @Test
    void killsThatNoBridgeSeesAreToldByTheNext() throws Exception {
        assumeTrue(oneOldRelease().anyMatch(old::equals), "the old daemon has no part in it");
        limited("one", WAIT.formatted("/go") + "(" + GREEDY + "); : >/survived; busybox sleep 1000");
        limited("two", WAIT.formatted("/go") + GREEDY);
        ProcessFacts one = node.init("one");
        ProcessFacts two = node.init("two");
        upgrade();
        node.stop();
        killBridgeForGood();

        tell(one, "go");
        tell(two, "go");
        Wait.until("the kernel has killed", () -> Files.exists(inside(one, "survived")) && !two.alive());
        migrate("apply", "--yes").ok();
        // Nobody can subscribe early enough: the bridge tells of them as soon as containerd takes events.
        node.logEvents();
        node.start();
        Wait.until("both kills are told", () -> toldInLog() == 2);

        EventLog events = EventLog.open(node);
        killOneExec("again", events);
        assertThat(Tasks.of(node).get("two").status()).isEqualTo("STOPPED");
        node.remove("one");
        assertThat(node.ctr("task", "rm", "two").ok().err()).contains("exit code 137");
        node.ctr("container", "rm", "two").ok();
        assertThat(ooms(events)).isEqualTo(1);
        assertThat(toldInLog()).isEqualTo(3);
    }

    @Test
    void killsWhileABridgeReplacesAnotherAreToldOnce() throws Exception {
        assumeTrue(oneOldRelease().anyMatch(old::equals), "the old daemon has no part in it");
        String kill = "(" + GREEDY + "); : >/done%1$d; ";
        limited(
                "one",
                (WAIT.formatted("/go1") + kill.formatted(1))
                        + (WAIT.formatted("/go2") + kill.formatted(2))
                        + (WAIT.formatted("/go3") + kill.formatted(3))
                        + "busybox sleep 1000");
        ProcessFacts init = node.init("one");
        Path held = Files.createFile(node.dir().resolve("held")); // The first bridge is not held.
        node.stop();
        migrate(Map.of("JSHIM_JAVA_OPTS", "-Djshim.fault=bridge-begins:1:hold:" + held), "apply", "--yes")
                .ok();
        node.switchTo(Release.V2);
        EventLog events = EventLog.open(node);
        Files.delete(held);
        CompletableFuture<Outcome> replaced =
                CompletableFuture.supplyAsync(() -> Product.ctl(node, "bridge", "replace"));
        Wait.until(Duration.ofSeconds(30), "neither bridge watches", () -> Files.exists(held));
        tell(init, "go1");
        Wait.until("the kernel has killed", () -> Files.exists(inside(init, "done1")));
        Files.delete(held);
        replaced.join().ok();
        Wait.until("the kill is told", () -> ooms(events) == 1);

        tell(init, "go2");
        Wait.until("the kill is told", () -> ooms(events) == 2);
        awaitNoted(init);
        Files.createFile(held);
        Product.ctl(node, "bridge", "replace").ok();
        tell(init, "go3");
        Wait.until("the kill is told", () -> ooms(events) == 3);
        events.quiet(Duration.ofSeconds(1));
        assertThat(ooms(events)).isEqualTo(3);
        node.remove("one");
    }

    private void limited(String id, String script) {
        node.ctr(node.runArgs(Product.LEGACY, Hunger.FLAGS, id, "/bin/sh", "-c", script)
                        .toArray(String[]::new))
                .ok();
    }

    private static Path inside(ProcessFacts init, String file) {
        return Path.of("/proc/" + init.pid() + "/root", file);
    }

    /** Ends a {@link #WAIT}, which may not have begun yet. */
    private static void tell(ProcessFacts init, String fifo) throws IOException {
        Path inside = inside(init, fifo);
        Wait.until("it waits", () -> Files.exists(inside));
        Files.writeString(inside, "\n", StandardOpenOption.WRITE);
    }

    /** Waits until the next bridge will know that all kills in container one were told. */
    private void awaitNoted(ProcessFacts init) {
        Wait.until(
                "the kills are noted",
                () -> BridgeNotes.of(node, "one").anyMatch(notes -> notes.getOoms() == Long.parseLong(killed(init))));
    }

    /** How often the kernel has killed in the cgroup of this process. */
    private static String killed(ProcessFacts init) {
        String cgroup = read(Path.of("/proc/" + init.pid() + "/cgroup"))
                .lines()
                .filter(line -> line.contains(":memory:"))
                .findFirst()
                .orElseThrow();
        String folder = cgroup.substring(cgroup.lastIndexOf(':') + 1);
        return read(Path.of("/sys/fs/cgroup/memory", folder, "memory.oom_control"))
                .lines()
                .filter(line -> line.startsWith("oom_kill "))
                .map(line -> line.substring("oom_kill ".length()))
                .findFirst()
                .orElseThrow();
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private long toldInLog() {
        return oomLines("");
    }

    /** How often the daemon's log has a kill, with these words beside it. */
    private long oomLines(String words) {
        return node.logText()
                .lines()
                .filter(line -> line.contains("topic=/tasks/oom") && line.contains(node.namespace()))
                .filter(line -> line.contains(words))
                .count();
    }

    private void killOneExec(String execId, EventLog events) {
        long before = ooms(events);
        node.exec("one", execId, "/bin/sh", "-c", GREEDY).expect(137);
        // The kill is told before the exit that it causes, but for a moment's race with the old shim's own word.
        events.exit("one", execId);
        Wait.until("the kill is told", () -> ooms(events) > before);
    }

    private static long ooms(EventLog events) {
        return events.topics("one").stream().filter("/tasks/oom"::equals).count();
    }
}
