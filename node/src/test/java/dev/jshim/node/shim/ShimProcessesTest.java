package dev.jshim.node.shim;

import static dev.jshim.node.bundle.Bundles.with;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.node.bundle.Bundle;
import dev.jshim.node.bundle.Bundles;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.survey.Node;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ShimProcessesTest {
    @TempDir
    private Path directory;

    private void process(int pid, int parent, String... argv) throws IOException {
        var path = Files.createDirectories(directory.resolve("proc").resolve(Integer.toString(pid)));
        Files.writeString(
                path.resolve("stat"),
                pid + " (" + comm(argv[0]) + ") S " + parent + " 1 1 0 -1 0 0 0 0 0 0 0 0 0 0 0 1 0 " + pid
                        + "00 0 0\n");
        Files.writeString(path.resolve("cmdline"), String.join("\0", argv) + "\0");
    }

    /** As the kernel has it. */
    private static String comm(String program) {
        var name = program.substring(program.lastIndexOf('/') + 1);
        return name.substring(0, Math.min(15, name.length()));
    }

    private int shimOf(Bundle bundle) {
        var found = new ShimProcesses(new ProcFs(directory.resolve("proc"))).of(bundle);
        return found == null ? 0 : found.pid();
    }

    @Test
    void v1ByWorkdirAndNamespace() throws IOException {
        var bundles = new Bundles(directory);
        with(bundles.v1("ns", "c"), "shim.pid", "10");
        var work = bundles.paths.v1Work(new TaskId("ns", "c")).toString();
        process(10, 1, "containerd-shim", "-namespace", "ns", "-workdir", work + "2");
        process(11, 1, "containerd-shim", "-namespace", "other", "-workdir", work);
        process(12, 1, "/opt/old/containerd-shim", "-namespace", "ns", "-workdir", work);
        var bundle = Node.read(bundles.paths).v1().getFirst();
        assertThat(shimOf(bundle)).isEqualTo(12);
        process(12, 1, "sleep");
        process(13, 1, "docker-containerd-shim", "-namespace", "ns", "-workdir", work);
        assertThat(shimOf(bundle)).isEqualTo(13);
    }

    /** Where init's pid was used again, its parent is anybody: a shim only by its name, not by what it works on. */
    @Test
    void whoSpeaksOfShimsIsNone() throws IOException {
        var bundles = new Bundles(directory);
        with(bundles.v2("ns", "a"), "init.pid", "31");
        with(bundles.v2("ns", "b"), "init.pid", "33");
        process(30, 1, "/usr/bin/vim", "-p", "/src/jshim/README.md", "/src/containerd-shim/x.go");
        process(31, 30, "sleep");
        process(32, 1, "/opt/jvm/bin/java", "-Xmx64m", "-Djshim.name=containerd-shim-v2-oci", "dev.jshim.shim.Main");
        process(33, 32, "sleep");
        var node = Node.read(bundles.paths);
        assertThat(shimOf(node.v2().getFirst())).isZero();
        assertThat(shimOf(node.v2().getLast())).isEqualTo(32);
    }

    /** The keeper is the shim, and the JVM its child: the one that was recorded, and init's parent. */
    @Test
    void theKeeperOfAJvm() throws IOException {
        var bundles = new Bundles(directory);
        with(with(bundles.v2("ns", "a"), "init.pid", "42"), "shim.pid", "40");
        with(bundles.v2("ns", "b"), "init.pid", "43");
        var jvm = new String[] {"/opt/jvm/bin/java", "-Djshim.name=containerd-shim-v2-oci", "dev.jshim.shim.Main"};
        process(40, 1, "/opt/native/jshim-keeper", "-k", "--", jvm[0], jvm[1], jvm[2]);
        process(41, 40, jvm);
        process(42, 40, "sleep");
        process(43, 40, "sleep");
        var node = Node.read(bundles.paths);
        assertThat(shimOf(node.v2().getFirst())).isEqualTo(40);
        assertThat(shimOf(node.v2().getLast())).isEqualTo(40);
        process(40, 1, "/opt/newer/native/jshim-keeper", "-r", "9");
        assertThat(shimOf(node.v2().getFirst())).isEqualTo(40);
    }

    @Test
    void v2ByIdAndByParentOfInit() throws IOException {
        var bundles = new Bundles(directory);
        with(bundles.v2("ns", "a"), "init.pid", "21");
        with(bundles.v2("ns", "b"), "init.pid", "22");
        process(20, 1, "/usr/bin/containerd-shim-runc-v2", "-namespace", "ns", "-id", "a", "-address", "/x");
        process(21, 20, "sleep");
        process(22, 20, "sleep");
        var node = Node.read(bundles.paths);
        assertThat(List.of(shimOf(node.v2().get(0)), shimOf(node.v2().get(1)))).containsExactly(20, 20);
        var missing = Objects.requireNonNull(node.v2(new TaskId("ns", "a")));
        Files.delete(directory.resolve("proc/20/stat"));
        assertThat(shimOf(missing)).isZero();
    }
}
