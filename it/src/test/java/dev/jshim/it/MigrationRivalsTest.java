package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Two who migrate the same node at once, and one who is killed in the middle of what the other then ends. */
@ParameterizedClass(name = "from containerd {0}")
@MethodSource("oneOldRelease")
class MigrationRivalsTest extends MigrationScenario {

    MigrationRivalsTest(Release old) {
        super(old);
    }

    @Test
    void oneAtATime() throws IOException {
        ProcessFacts one = legacy("one");
        node.stop();
        CompletableFuture<Outcome> apply = held("bundle-filled", "apply", "--yes");
        areRefused("rollback", "finish");
        release(apply).ok();
        if (Boolean.getBoolean("jshim.test.all")) {
            CompletableFuture<Outcome> rollback = held("rollback-begun", "rollback", "--yes");
            areRefused("apply", "rescue");
            release(rollback).ok();
            assertThat(node.root().resolve("jshim")).doesNotExist();
        } else {
            migrate("rollback", "--yes").ok();
        }

        node.switchTo(old);
        assertThat(node.init("one")).isEqualTo(one);
        node.remove("one");
    }

    private Path hold() {
        return node.dir().resolve("held");
    }

    private CompletableFuture<Outcome> held(String point, String... args) {
        List<String> all = new ArrayList<>(List.of("migrate"));
        all.addAll(List.of(args));
        CompletableFuture<Outcome> command = CompletableFuture.supplyAsync(() -> Product.ctl(
                node,
                List.of("JSHIM_JAVA_OPTS=-Djshim.fault=" + point + ":1:hold:" + hold()),
                all.toArray(new String[0])));
        Wait.until(Duration.ofSeconds(60), "it is at " + point, () -> Files.exists(hold()));
        return command;
    }

    private Outcome release(CompletableFuture<Outcome> held) throws IOException {
        Files.delete(hold());
        return held.join();
    }

    private void areRefused(String... commands) {
        for (String command : commands) {
            Outcome refused = migrate(command, "--yes").expect(1);
            assertThat(refused.err()).contains("another migration is running", "wait until it has ended");
            assertReadable(refused);
        }
    }

    /** Whoever comes first: what is left is all of an adoption or nothing. */
    @Test
    @LongRun
    void whoeverComesFirst() {
        Trio trio = Trio.start(node);
        node.stop();
        for (List<String> pair : List.of(
                List.of("apply", "apply"),
                List.of("apply", "rollback"),
                List.of("rollback", "finish"),
                List.of("rescue", "apply"),
                List.of("rollback", "rollback"))) {
            for (int i = 0; i < 2; i++) {
                CompletableFuture<Outcome> first = CompletableFuture.supplyAsync(() -> changed(pair.getFirst()));
                Outcome second = changed(pair.getLast());
                for (Outcome outcome : List.of(first.join(), second)) {
                    assertThat(outcome.code()).as("%s: %s", pair, outcome).isIn(0, 1, 3);
                    assertReadable(outcome);
                }
                trio.unharmed();
            }
        }
        migrate("apply", "--yes").ok();
        migrate("verify").ok();
        node.switchTo(Release.V2);
        trio.listed(node);
        trio.unharmed();
        trio.remove(node);
    }

    /** A rescue stops and starts what is stopped already. */
    private Outcome changed(String command) {
        return command.equals("rescue")
                ? migrate("rescue", "--yes", "--stop", "true", "--start", "false")
                : migrate(command, "--yes");
    }

    /** It was killed when containerd was stopped and nothing adopted yet: it has said before what to do then. */
    @Test
    @LongRun
    void killedRescue() throws IOException {
        Trio trio = Trio.start(node);
        DaemonService service = upgradeWithoutUs();
        for (String point : List.of("journal-before:1", "bridge-started:1", "bundle-moved:2")) {
            Outcome killed = rescue(
                            service, service.stopCommand(), List.of("JSHIM_JAVA_OPTS=-Djshim.fault=" + point + ":halt"))
                    .expect(137);
            assertThat(killed.err()).contains("containerd may stay stopped: run the same command again");
            assertThat(node.ctr("version").code()).as("stopped").isNotZero();
            trio.unharmed();
        }

        rescue(service, service.stopCommand(), List.of()).ok();

        trio.listed(node);
        trio.unharmed();
        trio.answers("rescued");
        trio.remove(node);
        service.stop();
    }
}
