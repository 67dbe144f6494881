package dev.jshim.node.survey;

import static dev.jshim.node.bundle.Bundles.with;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.node.bundle.Bundles;
import dev.jshim.node.process.ProcFs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProcessOwnerTest {
    @TempDir
    private Path directory;

    private void process(int pid, int parent, String cgroup, String... argv) throws IOException {
        var path = Files.createDirectories(directory.resolve("proc").resolve(Integer.toString(pid)));
        Files.writeString(
                path.resolve("stat"),
                pid + " (x) S " + parent + " 1 1 0 -1 0 0 0 0 0 0 0 0 0 0 0 1 0 " + pid + "00 0 0\n");
        Files.writeString(path.resolve("cmdline"), String.join("\0", argv) + "\0");
        Files.writeString(path.resolve("cgroup"), "4:memory:" + cgroup + "\n");
    }

    private Node node() throws IOException {
        var bundles = new Bundles(directory);
        with(with(bundles.v2("ns", "a"), "init.pid", "21"), "config.json", "{}");
        with(with(bundles.v2("ns", "b"), "init.pid", "31"), "config.json", "{}");
        with(with(with(bundles.v2("ns", "c"), "init.pid", "52"), "shim.pid", "50"), "config.json", "{}");
        process(1, 0, "/", "init");
        process(20, 1, "/", "/usr/bin/containerd-shim-runc-v2", "-namespace", "ns", "-id", "a");
        process(21, 20, "/ns/a", "sleep");
        process(22, 21, "/ns/a", "child");
        process(23, 20, "/ns/a", "exec");
        process(30, 1, "/", "/usr/bin/containerd-shim-runc-v2", "-namespace", "ns", "-id", "b");
        process(31, 30, "/", "sleep");
        process(32, 31, "/", "child");
        process(40, 1, "/", "sshd");
        process(50, 1, "/", "/j/jshim-keeper", "-k", "--", "/j/java", "-Djshim.name=containerd-shim-v2-oci");
        process(51, 50, "/", "/j/java", "-Djshim.name=containerd-shim-v2-oci");
        process(52, 50, "/", "sleep");
        process(54, 1, "/", "/j/java", "-Djshim.name=containerd-shim-v2-oci");
        return Node.read(bundles.paths);
    }

    @ParameterizedTest
    @CsvSource({
        "20,ns/a,SHIM",
        "21,ns/a,INIT",
        "22,ns/a,PROCESS",
        "23,ns/a,PROCESS",
        "30,ns/b,SHIM",
        "32,ns/b,PROCESS",
        "50,ns/c,SHIM",
        "51,ns/c,SHIM",
        "52,ns/c,INIT"
    })
    void owners(int pid, String task, ProcessOwner.Role role) throws IOException {
        var node = node();
        var proc = new ProcFs(directory.resolve("proc"));
        var owner = Objects.requireNonNull(ProcessOwner.of(Objects.requireNonNull(proc.facts(pid)), node, proc));
        assertThat(owner.task()).hasToString(task);
        assertThat(owner.role()).isEqualTo(role);
    }

    @Test
    void strangers() throws IOException {
        var node = node();
        var proc = new ProcFs(directory.resolve("proc"));
        assertThat(ProcessOwner.of(Objects.requireNonNull(proc.facts(40)), node, proc))
                .isNull();
        assertThat(ProcessOwner.of(Objects.requireNonNull(proc.facts(1)), node, proc))
                .isNull();
        assertThat(ProcessOwner.of(Objects.requireNonNull(proc.facts(54)), node, proc))
                .as("a JVM whose keeper is another")
                .isNull();
    }
}
