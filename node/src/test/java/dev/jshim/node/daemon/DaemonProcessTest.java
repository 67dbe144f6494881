package dev.jshim.node.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.ProcessStat;
import dev.jshim.node.NodePaths;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.process.ProcessFacts;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DaemonProcessTest {
    @TempDir
    Path folder;

    @Test
    void flagsInAllTheirForms() {
        var k3s = known("containerd -c /etc/k3s.toml -a /run/k3s/containerd/containerd.sock --state /run/k3s/containerd"
                + " --root /var/lib/rancher/k3s/agent/containerd");
        assertThat(k3s.config()).isEqualTo(Path.of("/etc/k3s.toml"));
        assertThat(k3s.state()).isEqualTo("/run/k3s/containerd");
        assertThat(k3s.root()).isEqualTo("/var/lib/rancher/k3s/agent/containerd");
        assertThat(k3s.address()).isEqualTo("/run/k3s/containerd/containerd.sock");

        var docker = known("docker-containerd --config=docker.toml -l info -state=/run/d");
        assertThat(docker.config()).isEqualTo(Path.of("/folder/docker.toml"));
        assertThat(docker.state()).isEqualTo("/run/d");
        assertThat(docker.root()).isEmpty();

        assertThat(known("/usr/bin/containerd").config()).isEqualTo(DaemonConfig.DEFAULT_FILE);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "containerd --address /a publish --topic t",
                "containerd config dump",
                "containerd --version",
                "containerd-shim -namespace n",
                "sh -c containerd"
            })
    void whatIsNoDaemon(String argv) {
        assertThat(of(argv)).isNull();
    }

    @Test
    void flagsWinOverTheFile() throws Exception {
        var file = Files.writeString(
                folder.resolve("c.toml"),
                "root = \"/r\"\nstate = \"/s\"\n[grpc]\naddress = \"/g\"\n[plugins.linux]\nruntime = \"crun\"\n");
        var settings = known("containerd -c " + file + " --state /elsewhere --address /a")
                .settings();
        assertThat(settings.paths()).isEqualTo(new NodePaths(Path.of("/r"), Path.of("/elsewhere")));
        assertThat(settings.address()).isEqualTo("/a");
        assertThat(settings.runtime()).isEqualTo("crun");
    }

    @Test
    void withoutItsFileItHasTheDefaults() throws Exception {
        assertThat(known("containerd -c " + folder.resolve("none")).settings()).isEqualTo(DaemonConfig.DEFAULTS);
    }

    private static DaemonProcess known(String argv) {
        return Objects.requireNonNull(of(argv));
    }

    private static @Nullable DaemonProcess of(String argv) {
        var words = List.of(argv.split(" ", -1));
        return DaemonProcess.of(
                new ProcessFacts(new ProcessStat(7, "x", 'S', 1, 7, 7, 0, 1, 1), words, null),
                null,
                Path.of("/folder"));
    }

    /** One in a container means its own root and configuration, however much they are called like ours. */
    @Test
    void daemonInAContainerIsNoneOfThisMachine() throws Exception {
        var proc = ProcFs.system();
        // The kernel names a process by its file.
        var program = Files.copy(
                        Path.of("/bin/sleep"), folder.resolve("containerd"), StandardCopyOption.COPY_ATTRIBUTES)
                .toString();
        var here = new ProcessBuilder(program, "100").start();
        var inside = new ProcessBuilder("unshare", "--pid", "--fork", "--kill-child", program, "100").start();
        try {
            var end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
            while (!pids(proc).contains((int) here.pid()) || runs(proc, inside).isEmpty()) {
                assertThat(System.nanoTime()).as("both run").isLessThan(end);
                Thread.sleep(20);
            }
            assertThat(pids(proc)).doesNotContainAnyElementsOf(runs(proc, inside));
            assertThat(runs(proc, inside)).allMatch(proc::isElsewhere);
            assertThat(proc.isElsewhere((int) here.pid())).isFalse();
        } finally {
            here.destroyForcibly().waitFor();
            inside.destroyForcibly().waitFor();
        }
    }

    private static List<Integer> pids(ProcFs proc) {
        return DaemonProcess.all(proc).stream()
                .map(daemon -> daemon.process().pid())
                .toList();
    }

    /** The children that are what they are to be by now. */
    private static List<Integer> runs(ProcFs proc, Process parent) {
        return proc.all().stream()
                .filter(process ->
                        process.ppid() == parent.pid() && process.comm().equals("containerd"))
                .map(ProcessFacts::pid)
                .toList();
    }
}
