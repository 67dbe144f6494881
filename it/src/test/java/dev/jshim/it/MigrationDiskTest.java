package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Full disks and a read-only root under each command that changes something; for {@code apply} see
 * {@link MigrationCareTest}. Each either does without, or says what to do and does it when it is run again.
 */
@ParameterizedClass(name = "from containerd {0}")
@MethodSource("oneOldRelease")
class MigrationDiskTest extends MigrationScenario {
    private SmallDisk root;
    private SmallDisk state;
    private Trio trio;

    MigrationDiskTest(Release old) {
        super(old);
    }

    @BeforeEach
    void smallDisks() throws IOException {
        node.stop();
        root = SmallDisk.over(node.root(), "64m");
        state = SmallDisk.over(node.state(), "64m");
        node.start();
        trio = Trio.start(node);
    }

    @AfterEach
    void noDisks() {
        node.kill9();
        root.close();
        state.close();
    }

    @Test
    void rollback() throws IOException {
        node.stop();
        migrate("apply", "--yes").ok();
        root.readOnly(true);
        try {
            migrate("verify").ok();
            isRefused(migrate("rollback", "--yes"), "cannot be written: mount it read-write");
            assertThat(Product.ctl(node, "bridge", "verify").code())
                    .as("all is there")
                    .isZero();
            trio.unharmed();
        } finally {
            root.readOnly(false);
        }
        root.fill();
        state.fill();

        assertReadable(migrate("rollback", "--yes").ok());

        assertThat(node.root().resolve("jshim")).doesNotExist();
        assertThat(node.state().resolve("jshim")).doesNotExist();
        Trio.IDS.forEach(id -> assertThat(node.bundle(id)).doesNotExist());
        root.free();
        state.free();
        node.switchTo(old);
        trio.listed(node);
        trio.unharmed();
        trio.remove(node);
    }

    @Test
    @LongRun
    void rescue() throws IOException {
        DaemonService service = upgradeWithoutUs();

        isRefused(rescue(service, service.stopCommand(), root.readOnlyFor()), "cannot be written");
        root.fill();
        isRefused(rescue(service, service.stopCommand(), List.of()), "KiB are free in " + node.root());
        node.ctr("version").ok();
        root.free();
        // It is full when containerd has stopped.
        Outcome left = rescue(service, service.stopCommand() + "; " + root.fillCommand(), List.of());
        isRefused(left, "KiB are free in " + node.root(), "containerd is stopped", "run rescue again, which starts it");
        assertThat(node.ctr("version").code()).isNotZero();
        root.free();

        rescue(service, service.stopCommand(), List.of()).ok();

        trio.listed(node);
        trio.unharmed();
        trio.answers("rescued");
        trio.remove(node);
        service.stop();
    }

    @Test
    @LongRun
    void finish() throws IOException {
        upgrade();
        trio.listed(node);
        trio.remove(node);
        Wait.until("the bridge lets go of them", () -> migrate("finish").code() == 0);
        isRefused(
                Product.ctl(node, root.readOnlyFor(), "migrate", "finish", "--yes"),
                "cannot be written: mount it read-write");
        assertThat(node.root().resolve("jshim/journal")).exists();
        root.fill();
        state.fill();

        migrate("finish", "--yes").ok();

        assertThat(node.root().resolve("jshim")).doesNotExist();
        assertThat(node.state().resolve("jshim")).doesNotExist();
    }

    private void isRefused(Outcome outcome, String... words) {
        assertThat(outcome.expect(1).err()).contains(words);
        assertReadable(outcome);
    }
}
