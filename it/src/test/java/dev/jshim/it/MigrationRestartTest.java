package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** The whole change in one command, and all of it back when something on the way fails. */
@ParameterizedClass(name = "from containerd {0}")
@EnumSource(names = "V1_7")
class MigrationRestartTest extends MigrationScenario {
    private Trio trio;

    MigrationRestartTest(Release old) {
        super(old);
    }

    /** As on a node whose containerd is no child of ours: a service that is stopped and started by commands. */
    @BeforeEach
    void service() throws IOException {
        trio = Trio.start(node);
        node.stop();
        Path dir = node.dir();
        for (Release release : List.of(old, Release.V2)) {
            Files.writeString(
                    dir.resolve("config-" + release), release.config(node.root(), node.state(), node.socket()));
            Files.writeString(dir.resolve("start-" + release), """
                    PATH=%s:%s:$PATH setsid %s --config %s/config-%s >>%s 2>&1 </dev/null &
                    echo $! >%s/pid
                    """.formatted(
                            Product.bin(), release.folder(), release.daemon(), dir, release, node.log(), dir));
        }
        Files.writeString(dir.resolve("stop"), """
                read pid <%s/pid || exit 0
                kill "$pid" || exit 0
                while kill -0 "$pid"; do sleep 0.05; done
                """.formatted(dir));
        install(old);
        sh("start");
        Wait.until("the old containerd answers", () -> node.ctr("version").code() == 0);
        trio.listed(node);
    }

    private void install(Release release) throws IOException {
        Path start = node.dir().resolve("start");
        Files.deleteIfExists(start);
        Files.createSymbolicLink(start, node.dir().resolve("start-" + release));
    }

    private void sh(String script) {
        Run.of(List.of("sh", node.dir().resolve(script).toString())).run().ok();
    }

    private String line(String format) {
        return format.formatted(node.dir());
    }

    private Outcome restart(String change) {
        return migrate(
                "apply",
                "--yes",
                "--stop",
                line("sh %s/stop"),
                "--start",
                line("sh %s/start"),
                "--restart",
                change,
                "--undo",
                line("cd %s && ln -sf start-") + old + " start");
    }

    private void remove() {
        trio.remove(node);
        sh("stop");
    }

    @Test
    void thereInOneGo() {
        Outcome outcome = restart(line("cd %s && ln -sf start-2 start")).ok();

        assertThat(outcome.err()).contains("and verify", "] done");
        assertThat(node.ctr("version").ok().out()).contains("2.");
        trio.listed(node);
        trio.unharmed();
        migrate("verify").ok();
        remove();
    }

    @Test
    void backWhenTheChangeFails() {
        Outcome outcome = restart("echo no such package; exit 100").expect(1);

        assertThat(outcome.err())
                .contains("no such package", "ended with 100", "all is as it was before")
                .doesNotContain("Exception");
        isAsBefore();
    }

    @Test
    void backWhenTheNewDaemonDoesNotLoadThem() throws IOException {
        // It looks for its bundles somewhere else.
        Path config = node.dir().resolve("config-2");
        Files.writeString(
                config,
                Files.readString(config)
                        .replace("state = \"" + node.state() + "\"", "state = \"" + node.dir() + "/other\""));

        Outcome outcome = restart(line("cd %s && ln -sf start-2 start")).expect(1);

        assertThat(outcome.err()).contains("has not loaded it", "all is as it was before");
        isAsBefore();
    }

    /** The node was upgraded without us: the new daemon sees nothing, and has forgotten one of them for good. */
    @Test
    void rescued() throws IOException {
        ProcessFacts forgotten = legacy("forgotten");
        assertThat(migrate("rescue").expect(1).err()).contains("nothing is lost");
        sh("stop");
        install(Release.V2);
        sh("start");
        Wait.until("containerd 2.x answers", () -> node.ctr("version").code() == 0);
        assertThat(Tasks.of(node).tasks()).isEmpty();
        assertThat(migrate("apply", "--yes").expect(1).err()).contains("rescue");
        node.ctr("container", "rm", "forgotten").ok();

        Outcome plan = migrate("rescue", "-o", "json").expect(3);
        assertThat(rows(plan)).containsEntry(Trio.COUNTER, "adopt").containsEntry("forgotten", "beyond");
        assertThat(row(plan, "forgotten").get("reason").getAsString())
                .contains("deleted its record", Long.toString(forgotten.pid()));
        assertThat(node.bundle(Trio.COUNTER)).as("only looked").doesNotExist();
        Outcome rescue = migrate("rescue", "--yes", "--stop", line("sh %s/stop"), "--start", line("sh %s/start"));

        assertThat(rescue.expect(3).out()).contains("beyond");
        trio.listed(node);
        trio.unharmed();
        trio.answers("rescued");
        node.exec(Trio.COUNTER, "e", "/bin/true").ok();
        assertThat(forgotten.alive()).as("left alone").isTrue();
        assertThat(rows(migrate("rescue", "-o", "json").expect(3))).containsOnlyKeys("forgotten");
        long shim = forgotten.parent();
        Signal.KILL.to(shim);
        Signal.KILL.to(forgotten.pid());
        Wait.until("it is gone", () -> !forgotten.alive());
        Debris.clear(node, "forgotten");
        node.forgiveStaleSockets();
        remove();
    }

    private void isAsBefore() {
        assertThat(node.state().resolve("jshim")).doesNotExist();
        assertThat(node.root().resolve("jshim")).doesNotExist();
        trio.listed(node);
        trio.unharmed();
        trio.answers("still here");
        remove();
    }
}
