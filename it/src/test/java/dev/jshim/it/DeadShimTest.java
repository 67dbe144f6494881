package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** A v1 shim that hangs or dies under an adopted container: that one is degraded or ends, and no other is touched. */
@ParameterizedClass(name = "from containerd {0}")
@MethodSource("oneOldRelease")
class DeadShimTest extends MigrationScenario {

    DeadShimTest(Release old) {
        super(old);
    }

    @Test
    void theContainerEndsWithItsShim() {
        ProcessFacts victim = legacy("victim");
        ProcessFacts other = legacy("other");
        upgrade();
        EventLog events = EventLog.open(node);

        Signal.KILL.to(victim.parent());
        Signal.KILL.to(victim.pid());

        assertIsCleanedUp(events, "victim");
        assertThat(node.init("other")).isEqualTo(other);
        node.remove("other");
    }

    @Test
    void theContainerOutlivesItsShimAndIsEnded() {
        ProcessFacts victim = legacy("victim");
        ProcessFacts other = legacy("other");
        // In the cgroup, and no child of init's.
        node.ctr("task", "exec", "-d", "--fifo-dir", node.fifos(), "--exec-id", "w", "victim", "/bin/sleep", "9999")
                .ok();
        ProcessFacts worker = ProcessList.of(node, "victim").exec("w");
        ProcessFacts odd = FirstThread.run(node, Product.LEGACY, List.of("-d"), "odd");
        ProcessFacts killed = FirstThread.run(node, Product.LEGACY, List.of("-d"), "killed");
        upgrade();
        EventLog events = EventLog.open(node);

        Signal.KILL.to(victim.parent());
        Signal.KILL.to(odd.parent());

        assertIsCleanedUp(events, "victim");
        assertThat(victim.alive()).isFalse();
        assertThat(worker.alive()).isFalse();
        // As one whose init lacks its first thread, which a runtime takes for dead.
        assertIsCleanedUp(events, "odd");
        assertThat(odd.alive()).isFalse();
        assertThat(node.init("killed")).isEqualTo(killed);
        node.ctr("task", "kill", "-s", "KILL", "killed").ok();
        assertIsCleanedUp(events, "killed");
        assertThat(killed.alive()).isFalse();
        assertThat(node.init("other")).isEqualTo(other);
        node.exec("other", "e", "/bin/true").ok();
        node.remove("other");
    }

    @Test
    void theContainerOutlivesItsShimAndIsKept() throws IOException {
        ProcessFacts victim = legacy("victim");
        node.ctr("task", "exec", "-d", "--fifo-dir", node.fifos(), "--exec-id", "w", "victim", "/bin/sleep", "9999")
                .ok();
        ProcessFacts worker = ProcessList.of(node, "victim").exec("w");
        node.stop();
        Path config = Files.writeString(node.dir().resolve("jshim.toml"), "OrphanedContainers = \"keep\"\n");
        migrate(Map.of("JSHIM_CONFIG", config.toString()), "apply", "--yes").ok();
        node.switchTo(Release.V2);
        EventLog events = EventLog.open(node);
        ProcessFacts shim = ProcessFacts.of(victim.parent());

        Signal.KILL.to(shim.pid());

        Wait.until("it is dead", () -> !shim.alive());
        Wait.until("the status says so", () -> {
            JsonElement reason = row(migrate("status", "-o", "json"), "victim").get("reason");
            return !reason.isJsonNull() && reason.getAsString().contains("dead");
        });
        migrate("status").expect(3);
        assertThat(Tasks.of(node).get("victim").status()).isEqualTo("RUNNING");
        assertThat(node.init("victim")).isEqualTo(victim);
        assertThat(node.exec("victim", "e", "/bin/true").code()).isNotZero();
        assertThat(node.ctr("task", "metrics", "victim").ok().out()).contains("memory");
        assertThat(events.exits("victim", "victim")).isEmpty();
        node.ctr("task", "kill", "-s", "KILL", "-a", "victim").ok();
        assertIsCleanedUp(events, "victim");
        assertThat(worker.alive()).isFalse();
    }

    @Test
    void aShimThatHangsIsDegradedAndTheOthersAreQuick() {
        ProcessFacts victim = legacy("victim");
        ProcessFacts other = legacy("other");
        migrate("apply", "--yes").ok();
        node.stop();
        Signal.STOP.to(victim.parent());
        try {
            // It loads all, or it would take the victim's bundle for dead and delete it.
            node.switchTo(Release.V2);
            assertThat(node.init("victim")).isEqualTo(victim);
            assertThat(node.init("other")).isEqualTo(other);
            node.exec("other", "e", "/bin/true").ok();
            assertThat(row(migrateWithin("5s", "status", "-o", "json").expect(3), "victim")
                            .get("reason")
                            .getAsString())
                    .contains("does not answer");
            assertThat(row(migrateWithin("5s", "status", "-o", "json").expect(3), "other")
                            .get("reason")
                            .isJsonNull())
                    .isTrue();
            assertThat(node.exec("victim", "e", "/bin/true").err()).contains("did not answer");
            assertThat(victim.alive()).isTrue();
        } finally {
            Signal.CONT.to(victim.parent());
        }
        Wait.until("it answers again", () -> migrate("status").code() == 0);
        node.exec("victim", "e2", "/bin/true").ok();
        node.remove("victim");
        node.remove("other");
    }

    private void assertIsCleanedUp(EventLog events, String id) {
        assertThat(events.exit(id, id).number("exit_status")).isEqualTo(137);
        Wait.until("it is stopped", () -> Tasks.of(node).get(id).status().equals("STOPPED"));
        assertThat(node.ctr("task", "rm", id).err()).contains("exit code 137");
        node.ctr("container", "rm", id).ok();
        Wait.until(Duration.ofSeconds(60), "nothing of v1 is left", () -> !Files.exists(node.legacyBundle(id)));
        assertThat(Path.of("/run/containerd/runc", node.namespace(), id)).doesNotExist();
    }
}
