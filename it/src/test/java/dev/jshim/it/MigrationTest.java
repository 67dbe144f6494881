package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Running v1 containers are carried into containerd 2.x, and back. */
@ParameterizedClass(name = "from containerd {0}")
@MethodSource("oldReleases")
class MigrationTest extends MigrationScenario {

    MigrationTest(Release old) {
        super(old);
    }

    @Test
    void theWholeWay() {
        Trio trio = Trio.start(node);
        upgrade();

        trio.listed(node);
        trio.unharmed();
        assertThat(ProcessList.of(node, Trio.HOLDER).exec(Trio.WORKER)).isEqualTo(trio.process(Trio.WORKER));
        assertThat(node.ctr("task", "metrics", Trio.COUNTER).ok().out()).containsPattern("memory.usage\\S*\\s+[1-9]");
        node.exec(Trio.COUNTER, "e", "/bin/sh", "-c", "exit 3").expect(3);
        trio.answers("hello");
        assertThat(node.echo(Trio.HOLDER, "cat", "input")).isEqualTo("input");

        node.kill9();
        trio.unharmed();
        node.start();
        trio.listed(node);
        trio.unharmed();
        trio.answers("hello again");

        awaitKnown();
        EventLog events = EventLog.open(node);
        node.ctr("task", "kill", "-s", "KILL", "--exec-id", Trio.WORKER, Trio.HOLDER)
                .ok();
        assertThat(events.exit(Trio.HOLDER, Trio.WORKER).number("exit_status")).isEqualTo(137);
        node.ctr("task", "rm", "--exec-id", Trio.WORKER, Trio.HOLDER).expect(137);
        node.ctr("task", "kill", "-s", "TERM", Trio.COUNTER).ok();
        assertThat(events.exit(Trio.COUNTER, Trio.COUNTER).number("exit_status"))
                .isEqualTo(42);
        Wait.until("end of the counter's output", trio.counter().streams()::ended);
        trio.counter().gapless();
        assertThat(node.ctr("task", "rm", Trio.COUNTER).ok().err()).contains("exit code 42");
        node.ctr("container", "rm", Trio.COUNTER).ok();
        node.remove(Trio.WAITER);
        node.remove(Trio.HOLDER);

        Trio.IDS.forEach(id -> events.exit(id, id));
        Wait.until("the deletion is told", () -> events.topics(Trio.COUNTER).contains("/tasks/delete"));
        // The v1 shim's own publishing takes up to some seconds; a second event would come after it.
        events.quiet(Duration.ofSeconds(4));
        Trio.IDS.forEach(
                id -> assertThat(events.exits(id, id)).as("exits of %s", id).hasSize(1));
        assertThat(events.exits(Trio.HOLDER, Trio.WORKER)).hasSize(1);
        assertThat(events.topics(Trio.COUNTER)).endsWith("/tasks/exit", "/tasks/delete");
    }

    @Test
    void thereAndBack() {
        Trio trio = Trio.start(node);
        upgrade();
        trio.listed(node);

        Outcome refused = migrate("rollback", "--yes");
        assertThat(refused.code()).isNotZero();
        assertReadable(refused);
        trio.listed(node);

        node.stop();
        migrate("rollback", "--yes").ok();
        assertThat(node.bundle(Trio.COUNTER)).doesNotExist();
        assertThat(node.state().resolve("jshim")).doesNotExist();
        assertThat(node.root().resolve("jshim")).doesNotExist();
        trio.unharmed();
        node.switchTo(old);
        trio.listed(node);
        assertThat(Tasks.of(node).tasks()).hasSize(3);
        trio.answers("back");
        node.exec(Trio.COUNTER, "e", "/bin/true").ok();
        trio.unharmed();
        ProcessFacts young = legacy("young");

        upgrade();
        trio.listed(node);
        trio.unharmed();
        trio.answers("forward again");
        assertThat(node.init("young")).isEqualTo(young);
        node.remove("young");
        trio.remove(node);
    }

    @Test
    void adoptedAgainAfterARollback() {
        Trio trio = Trio.start(node);
        upgrade();
        node.stop();
        migrate("rollback", "--yes").ok();

        migrate("apply", "--yes").ok();
        node.start();

        trio.listed(node);
        trio.unharmed();
        trio.remove(node);
    }

    @Test
    void appliedWhileTheOldDaemonRuns() {
        Trio trio = Trio.start(node);

        migrate("apply", "--yes").ok();

        trio.listed(node);
        node.exec(Trio.COUNTER, "e1", "/bin/true").ok();
        trio.unharmed();
        node.switchTo(Release.V2);
        trio.listed(node);
        trio.unharmed();
        node.exec(Trio.COUNTER, "e2", "/bin/true").ok();
        trio.remove(node);
    }

    @Test
    void aSecondApplyAddsOnlyWhatIsNew() throws Exception {
        ProcessFacts one = legacy("one");
        assertThat(rows(migrate("plan", "-o", "json").ok())).isEqualTo(Map.of("one", "adopt"));
        assertThat(node.bundle("one")).as("a plan changes nothing").doesNotExist();
        Outcome apply = migrate("apply", "--yes", "-o", "json").ok();
        assertThat(rows(apply)).isEqualTo(Map.of("one", "adopted"));
        assertThat(apply.out()).contains("Stop the old containerd");
        long bridge = bridge();
        Path added = node.bundle("one").resolve("config.json");
        Object before = Files.getAttribute(added, "unix:ino");

        ProcessFacts two = legacy("two");
        assertThat(rows(migrate("plan", "-o", "json").ok())).isEqualTo(Map.of("one", "none", "two", "adopt"));
        assertThat(rows(migrate("apply", "--yes", "-o", "json").ok()))
                .isEqualTo(Map.of("one", "unchanged", "two", "adopted"));
        assertThat(rows(migrate("apply", "--yes", "-o", "json").ok()))
                .isEqualTo(Map.of("one", "unchanged", "two", "unchanged"));

        assertThat(Files.getAttribute(added, "unix:ino")).isEqualTo(before);
        assertThat(bridge()).as("one bridge for all").isEqualTo(bridge);
        node.switchTo(Release.V2);
        assertThat(node.init("one")).isEqualTo(one);
        assertThat(node.init("two")).isEqualTo(two);
        node.remove("one");
        node.remove("two");
    }

    @Test
    void nothingToAdopt() {
        node.stop();

        assertThat(rows(migrate("plan", "-o", "json").ok())).isEmpty();
        migrate("apply", "--yes").ok();
        migrate("status").ok();
        migrate("rollback", "--yes").ok();
        node.switchTo(Release.V2);
        assertThat(Tasks.of(node).tasks()).isEmpty();
    }

    @Test
    void sameIdInTwoNamespaces() {
        ProcessFacts here = legacy("one");
        node.ctrBeside(
                        "b",
                        node.runArgs(Product.LEGACY, List.of("-d"), "one", "/bin/sleep", "1000")
                                .toArray(String[]::new))
                .ok();
        upgrade();

        assertThat(node.init("one")).isEqualTo(here);
        Tasks.Task beside =
                Tasks.parse(node.ctrBeside("b", "task", "ls").ok().out()).get("one");
        ProcessFacts there = ProcessFacts.of(beside.pid());
        assertThat(there).isNotEqualTo(here);

        node.remove("one");
        assertThat(there.alive()).isTrue();
        node.ctrBeside("b", "task", "exec", "--exec-id", "e", "--fifo-dir", node.fifos(), "one", "/bin/true")
                .ok();
        node.ctrBeside("b", "task", "rm", "-f", "one");
        node.ctrBeside("b", "container", "rm", "one").ok();
        assertThat(there.alive()).isFalse();
    }

    @Test
    void pausedOnesStayPaused() {
        Counter counter = Counter.start(node, Product.LEGACY, "one");
        node.ctr("task", "pause", "one").ok();

        upgrade();

        assertThat(Tasks.of(node).get("one").status()).isEqualTo("PAUSED");
        node.ctr("task", "resume", "one").ok();
        counter.awaitProgress();
        node.ctr("task", "pause", "one").ok();
        assertThat(Tasks.of(node).get("one").status()).isEqualTo("PAUSED");
        node.ctr("task", "resume", "one").ok();
        counter.awaitProgress();
        counter.gapless();
        node.remove("one");
    }

    @Test
    void refusedByTheBridge() {
        ProcessFacts init = legacy("one");
        upgrade();

        Outcome sameId = node.exec("one", "one", "/bin/true");
        assertThat(sameId.code()).isNotZero();
        assertThat(sameId.err().strip().lines()).hasSize(1);
        assertThat(node.exec("one", "e", "/bin/nothing-of-that-name").err()).contains("no such file or directory");
        assertThat(node.ctr("task", "kill", "--exec-id", "nobody", "one").err()).contains("not found");
        assertThat(node.ctr("task", "start", "-d", "one").err()).contains("already exists");
        assertThat(node.ctr("task", "rm", "one").code()).isNotZero();

        assertThat(init.alive()).isTrue();
        node.exec("one", "e", "/bin/true").ok();
        node.remove("one");
    }
}
