package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** What goes wrong with one container, one shim or the bridge harms no container. */
@ParameterizedClass(name = "from containerd {0}")
@MethodSource("oldReleases")
class MigrationTroubleTest extends MigrationScenario {

    MigrationTroubleTest(Release old) {
        super(old);
    }

    @Test
    void aDeadShim() {
        ProcessFacts one = legacy("one");
        ProcessFacts victim = legacy("victim");
        node.kill9();
        Signal.KILL.to(victim.parent());
        Wait.until("the shim is gone", () -> victim.parent() == 1);
        node.forgiveStaleSockets();

        Outcome plan = migrate("plan", "-o", "json").expect(3);
        assertThat(row(plan, "victim").get("reachable").getAsBoolean()).isFalse();
        assertThat(row(plan, "victim").get("action").getAsString()).isEqualTo("refuse");
        Outcome apply = migrate("apply", "--yes").expect(3);
        assertThat(apply.out().lines().filter(line -> line.contains("victim"))).hasSize(1);
        assertReadable(apply);
        assertThat(victim.alive()).as("left alone").isTrue();

        node.switchTo(Release.V2);
        assertThat(node.init("one")).isEqualTo(one);
        assertThat(victim.alive()).as("left alone").isTrue();
        node.remove("one");
        node.stop();
        migrate("rollback", "--yes").ok();
        // The old daemon kills what it cannot reach: so it is cleaned up.
        node.switchTo(old);
        Wait.until("the old daemon has cleaned up", () -> !victim.alive());
        node.ctr("container", "rm", "victim").ok();
    }

    @Test
    void aMuteShim() {
        ProcessFacts one = legacy("one");
        ProcessFacts victim = legacy("victim");
        node.stop();
        Signal.STOP.to(victim.parent());
        try {
            long before = System.nanoTime();
            Outcome plan = migrateWithin("5s", "plan", "-o", "json").expect(3);
            assertThat(System.nanoTime() - before).as("ns").isLessThan(30_000_000_000L);
            assertThat(row(plan, "victim").get("reachable").getAsBoolean()).isFalse();
            assertThat(row(plan, "one").get("reachable").getAsBoolean()).isTrue();
            assertThat(rows(Product.ctl(node, "--timeout", "8s", "-o", "json", "migrate", "apply", "--yes")
                            .expect(3)))
                    .containsEntry("one", "adopted")
                    .containsEntry("victim", "refused");
        } finally {
            Signal.CONT.to(victim.parent());
        }
        assertThat(rows(migrate("apply", "--yes", "-o", "json").ok()))
                .containsEntry("one", "unchanged")
                .containsEntry("victim", "adopted");
        node.switchTo(Release.V2);
        assertThat(node.init("one")).isEqualTo(one);
        assertThat(node.init("victim")).isEqualTo(victim);
        node.remove("one");
        node.remove("victim");
    }

    @Test
    void aBrokenConfiguration() throws Exception {
        ProcessFacts one = legacy("one");
        ProcessFacts broken = legacy("broken");
        ProcessFacts missing = legacy("missing");
        node.stop();
        Path brokenFile = node.legacyBundle("broken").resolve("config.json");
        Path missingFile = node.legacyBundle("missing").resolve("config.json");
        String whole = Files.readString(brokenFile);
        String other = Files.readString(missingFile);
        Files.writeString(brokenFile, "{\"ociVersion\": ");
        Files.delete(missingFile);

        Outcome plan = migrate("plan", "-o", "json");
        assertThat(plan.code()).isIn(0, 3);
        assertThat(rows(plan)).containsOnlyKeys("one", "broken", "missing").containsEntry("one", "adopt");
        Outcome apply = migrate("apply", "--yes");
        assertThat(apply.code()).isIn(0, 3);
        assertReadable(apply);

        Files.writeString(brokenFile, whole);
        Files.writeString(missingFile, other);
        migrate("apply", "--yes").ok();
        node.switchTo(Release.V2);
        assertThat(node.init("one")).isEqualTo(one);
        assertThat(node.init("broken")).isEqualTo(broken);
        assertThat(node.init("missing")).isEqualTo(missing);
        node.remove("one");
        node.remove("broken");
        node.remove("missing");
    }

    /** With nobody left who starts it again. */
    @Test
    void theBridgeAndItsKeeperAreKilled() {
        Trio trio = Trio.start(node);
        upgrade();
        trio.listed(node);

        killBridgeForGood();
        Wait.until("containerd has noticed", () -> !Tasks.of(node).isRunning(Trio.COUNTER));
        trio.unharmed();
        Trio.IDS.forEach(
                id -> assertThat(node.bundle(id)).as("kept for a new bridge").exists());

        node.stop();
        migrate("apply", "--yes").ok();
        node.start();
        trio.listed(node);
        trio.unharmed();
        trio.answers("still here");
        node.exec(Trio.COUNTER, "e", "/bin/true").ok();
        trio.remove(node);
    }

    @Test
    void theBridgeIsKilledWhileTheDaemonIsDown() {
        Trio trio = Trio.start(node);
        upgrade();
        trio.listed(node);

        node.stop();
        Signal.KILL.to(bridge());
        trio.unharmed();
        migrate("apply", "--yes").ok();
        node.start();

        trio.listed(node);
        trio.unharmed();
        trio.remove(node);
    }

    @Test
    void endedBeforeTheAdoption() {
        Streams streams = endsOnRequest("one", 9);
        ProcessFacts init = node.init("one");
        node.stop();
        streams.write("now");
        Wait.until("it ends", () -> !init.alive());

        migrate("apply", "--yes").ok();
        node.switchTo(Release.V2);

        assertEndedWith9();
        node.ctr("container", "rm", "one").ok();
    }

    @Test
    void endedWhileTheNewDaemonWasDown() {
        Streams streams = endsOnRequest("one", 9);
        ProcessFacts init = node.init("one");
        upgrade();
        node.kill9();
        streams.write("now");
        Wait.until("it ends", () -> !init.alive());
        node.start();

        assertEndedWith9();
        node.ctr("container", "rm", "one").ok();
    }

    /** Its process may have ended a moment before the shim knows. */
    private void assertEndedWith9() {
        Wait.until("its end is known", () -> Tasks.of(node).get("one").status().equals("STOPPED"));
        assertThat(node.ctr("task", "rm", "one").ok().err()).contains("exit code 9");
    }

    @Test
    void theIdIsUsedAgain() {
        legacy("one");
        upgrade();
        node.remove("one");

        ProcessFacts again = node.runDetached(Product.RUNTIME, "one", "/bin/sleep", "1000");

        assertThat(node.init("one")).isEqualTo(again);
        node.exec("one", "e", "/bin/true").ok();
        node.remove("one");
    }
}
