package dev.jshim.bridge.migrate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.node.NodePaths;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PreflightTest {
    @TempDir
    Path folder;

    @BeforeEach
    void setUp() throws IOException {
        Files.createDirectories(folder.resolve("proc/41"));
        Files.createDirectories(folder.resolve("root"));
        Files.createDirectories(folder.resolve("state"));
        memory(4_000_000);
    }

    private void memory(long available) throws IOException {
        Files.writeString(
                folder.resolve("proc/meminfo"), "MemTotal: 8000000 kB\nMemAvailable:   " + available + " kB\n");
    }

    private Preflight preflight(String killMode) throws IOException {
        var systemctl = folder.resolve("systemctl");
        Files.writeString(systemctl, "#!/bin/sh\n[ \"$3\" = containerd.service ] && echo KillMode=" + killMode + "\n");
        Files.setPosixFilePermissions(systemctl, PosixFilePermissions.fromString("rwx------"));
        return new Preflight(
                new NodePaths(folder.resolve("root"), folder.resolve("state")),
                folder.resolve("c.sock"),
                folder.resolve("proc"),
                systemctl.toString());
    }

    @ParameterizedTest(name = "{0}, KillMode {1}")
    @CsvSource({
        "1:name=systemd:/system.slice/containerd.service, process, true",
        "0::/system.slice/containerd.service, process, true",
        "0::/system.slice/containerd.service, none, true",
        "0::/system.slice/containerd.service, control-group, false",
        "0::/system.slice/containerd.service/x, mixed, false",
        "4:memory:/system.slice/containerd.service, control-group, true",
        "0::/user.slice, control-group, true"
    })
    void unitOfTheShims(String cgroup, String killMode, boolean isGood) throws Exception {
        Files.writeString(folder.resolve("proc/41/cgroup"), cgroup + "\n");
        var problems = preflight(killMode).problems(List.of(41, 42));
        if (isGood) {
            assertThat(problems).isEmpty();
        } else {
            assertThat(problems)
                    .singleElement()
                    .asString()
                    .contains("containerd.service", "KillMode=" + killMode, "set KillMode=process");
        }
    }

    /** One that cannot be asked, so that its command line alone counts. */
    @ParameterizedTest(name = "{0}")
    @CsvSource({"--live-restore, true", "--live-restore=false, false"})
    void dockerThatEndsItsContainers(String flag, boolean isGood) throws Exception {
        Files.createDirectories(folder.resolve("proc/7"));
        Files.writeString(folder.resolve("proc/7/stat"), "7 (dockerd) S 1 1 1 0 -1 0" + " 0".repeat(45));
        Files.writeString(
                folder.resolve("proc/7/cmdline"),
                String.join(
                        "\0",
                        "dockerd",
                        flag,
                        "--containerd=" + folder.resolve("c.sock"),
                        "--config-file=" + folder.resolve("none.json")));
        Files.writeString(folder.resolve("proc/41/cgroup"), "0::/user.slice\n");

        assertThat(preflight("process").problems(List.of()))
                .as("nothing of it is adopted")
                .isEmpty();
        var problems = preflight("process").problems(List.of(41));
        if (isGood) {
            assertThat(problems).isEmpty();
        } else {
            assertThat(problems).singleElement().asString().contains("process 7", "live-restore", "none.json");
        }
    }

    @Test
    void tooLittleMemory() throws Exception {
        memory(100_000);
        assertThat(preflight("process").resources()).singleElement().asString().contains("97 MiB of memory");
    }

    @Test
    void wrongDirectory() throws Exception {
        Files.delete(folder.resolve("state"));
        assertThat(preflight("process").resources())
                .singleElement()
                .asString()
                .contains("state is not a directory", "--state");
    }
}
