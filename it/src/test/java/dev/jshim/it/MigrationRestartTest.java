package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** The whole change in one command, and all of it back when something on the way fails. */
@ParameterizedClass(name = "from containerd {0}")
@EnumSource(names = "V1_7")
class MigrationRestartTest extends MigrationScenario {
    private Trio trio;
    private DaemonService service;

    MigrationRestartTest(Release old) {
        super(old);
    }

    @BeforeEach
    void service() throws IOException {
        trio = Trio.start(node);
        node.stop();
        service = DaemonService.start(node, old, Product.bin());
        trio.listed(node);
    }

    private Outcome restart(String change) {
        return migrate(
                "apply",
                "--yes",
                "--stop",
                service.stopCommand(),
                "--start",
                service.startCommand(),
                "--restart",
                change,
                "--undo",
                service.change(old));
    }

    private void remove() {
        trio.remove(node);
        service.stop();
    }

    @Test
    void thereInOneGo() {
        Outcome outcome = restart(service.change(Release.V2)).ok();

        assertThat(outcome.err()).contains("and verify", "] done");
        assertThat(service.version()).startsWith("2.");
        trio.listed(node);
        trio.unharmed();
        migrate("verify").ok();
        remove();
    }

    @Test
    void backWhenTheChangeFails() {
        Outcome outcome = restart("echo no such package; exit 100").expect(1);

        assertThat(outcome.err())
                .contains("no such package", "exited with 100", "everything is as it was before")
                .doesNotContain("Exception");
        isAsBefore();
    }

    @Test
    void backWhenTheNewDaemonDoesNotLoadThem() throws IOException {
        // It looks for its bundles somewhere else.
        Path config = service.config(Release.V2);
        Files.writeString(
                config,
                Files.readString(config)
                        .replace("state = \"" + node.state() + "\"", "state = \"" + node.dir() + "/other\""));

        Outcome outcome = restart(service.change(Release.V2)).expect(1);

        assertThat(outcome.err()).contains("has not loaded it", "everything is as it was before");
        isAsBefore();
    }

    /** The node was upgraded without us: the new daemon sees nothing, and has forgotten one of them for good. */
    @Test
    void rescued() throws IOException {
        ProcessFacts forgotten = legacy("forgotten");
        assertThat(migrate("rescue").expect(1).err()).contains("nothing is lost");
        service.stop();
        service.install(Release.V2);
        service.start();
        assertThat(Tasks.of(node).tasks()).isEmpty();
        assertThat(migrate("apply", "--yes").expect(1).err()).contains("rescue");
        node.ctr("container", "rm", "forgotten").ok();

        Outcome plan = migrate("rescue", "-o", "json").expect(3);
        assertThat(rows(plan)).containsEntry(Trio.COUNTER, "adopt").containsEntry("forgotten", "beyond");
        assertThat(row(plan, "forgotten").get("reason").getAsString())
                .contains("deleted its record", Long.toString(forgotten.pid()));
        assertThat(node.bundle(Trio.COUNTER)).as("only looked").doesNotExist();
        Outcome rescue = migrate("rescue", "--yes", "--stop", service.stopCommand(), "--start", service.startCommand());

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
