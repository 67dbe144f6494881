package dev.jshim.ctl.upgrade;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.ctl.FakeHost;
import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.Globals;
import dev.jshim.ctl.cli.Host;
import dev.jshim.ctl.cli.Machine;
import dev.jshim.node.process.ProcFs;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each finding about the machine is there when there is reason for it, and not otherwise. */
class HostChecksTest {
    @TempDir
    private Path directory;

    @BeforeEach
    void setUp() throws IOException {
        make("root", "rwx------");
        make("root/io.containerd.runtime.v2.task", "rwx--x--x");
        make("state", "rwx--x--x");
        make("state/io.containerd.runtime.v1.linux", "rwx--x--x");
    }

    private void make(String folder, String mode) throws IOException {
        var path = Files.createDirectories(directory.resolve(folder));
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
    }

    private List<Finding> findings(Host host) {
        var nowhere = new PrintWriter(Writer.nullWriter());
        var globals = new Globals();
        new picocli.CommandLine(globals).parseArgs("--root", directory + "/root", "--state", directory + "/state");
        var found =
                new HostChecks(new Cli(globals, new Machine(ProcFs.system(), host, List.of()), nowhere, nowhere)).all();
        assertThat(found).allSatisfy(finding -> {
            assertThat(finding.why()).isNotBlank();
            assertThat(finding.todo()).isNotBlank();
        });
        return found;
    }

    private List<String> what(Host host) {
        return findings(host).stream()
                .map(finding -> (finding.topic() + ": " + finding.what()).replace(directory.toString(), ""))
                .toList();
    }

    @Test
    void aGoodNodeHasNone() {
        assertThat(findings(FakeHost.GOOD)).isEmpty();
    }

    @Test
    void whatTheMachineLacks() {
        assertThat(what(new FakeHost("4.15.0-213", "v1, hybrid", "control-group", "crun version 1.8.1", 500L << 20)))
                .containsExactly(
                        "disk: /root has 500 MiB left",
                        "disk: /state has 500 MiB left",
                        "kernel: the kernel is 4.15.0-213",
                        "cgroups: the node has cgroups v1, hybrid",
                        "KillMode: containerd.service has KillMode=control-group",
                        "crun: crun version 1.8.1 is installed");
        assertThat(what(new FakeHost("6.1", "v2", null, null, 1L << 40))).isEmpty();
        assertThat(what(new FakeHost("6.1", "v2", "mixed", null, 1L << 40)))
                .containsExactly("KillMode: containerd.service has KillMode=mixed");
    }

    @Test
    void foldersThatOthersCanEnter() throws IOException {
        make("root", "rwx--x--x");
        make("state", "rwxr-xr-x");
        make("state/io.containerd.runtime.v1.linux", "rwxr-xr-x");
        make("root/io.containerd.runtime.v2.task", "rwxr-x--x");
        var found = findings(FakeHost.GOOD);
        assertThat(found)
                .extracting(finding -> finding.what().replace(directory.toString(), ""))
                .containsExactly(
                        "/root has mode 0711",
                        "/state has mode 0755",
                        "/state/io.containerd.runtime.v1.linux has mode 0755",
                        "/root/io.containerd.runtime.v2.task has mode 0751");
        assertThat(found)
                .extracting(Finding::why)
                .anyMatch(why -> why.contains("CVE-2021-41103"))
                .anyMatch(why -> why.contains("CVE-2024-25621"));
    }
}
