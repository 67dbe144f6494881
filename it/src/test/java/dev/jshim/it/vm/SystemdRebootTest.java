package dev.jshim.it.vm;

import static dev.jshim.it.vm.SystemNode.ctr;
import static dev.jshim.it.vm.SystemNode.jshimctl;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/** The machine of {@link SystemdMigrationTest}, booted again: {@code /run} is empty. */
@InGuest
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class SystemdRebootTest {

    /** containerd 2 starts, the unit is skipped, and a record of the v1 runtime starts again under its old name. */
    @Test
    @Order(1)
    void afterReboot() {
        assertThat(Path.of("/run/containerd/jshim/keeper")).doesNotExist();
        SystemNode.startContainerd();
        assertThat(SystemNode.version()).startsWith("2.");
        assertThat(Systemd.hasFailed("jshim-bridge")).isFalse();
        assertThat(SystemNode.tasks().tasks()).isEmpty();
        jshimctl("migrate", "status");

        ctr("task", "start", "-d", "--null-io", "web").ok();
        assertThat(SystemNode.tasks().isRunning("web")).isTrue();
        assertThat(SystemNode.echo("x", "hello")).isEqualTo("hello");
        SystemNode.end("web");
    }

    @Test
    @Order(2)
    void finished() {
        jshimctl("migrate", "finish").ok();
        jshimctl("migrate", "finish", "--yes").ok();
        Systemd.reload();

        assertThat(Path.of("/etc/systemd/system/jshim-bridge.service")).doesNotExist();
        assertThat(Path.of("/etc/systemd/system/containerd.service.d/jshim.conf"))
                .doesNotExist();
        assertThat(Path.of("/var/lib/containerd/jshim")).doesNotExist();
        Systemd.systemctl("restart", "containerd").ok();
        SystemNode.awaitAnswer();
    }
}
