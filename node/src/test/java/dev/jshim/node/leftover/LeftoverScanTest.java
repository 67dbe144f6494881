package dev.jshim.node.leftover;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.node.NodePaths;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.survey.Node;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** FIFOs lie in one folder for all containerds of a machine. */
class LeftoverScanTest {
    @TempDir
    Path folder;

    @Test
    void fifosOfContainersOfAnyContainerdAreNoLeftovers() throws IOException {
        var ours = new NodePaths(folder.resolve("root"), folder.resolve("state"));
        Files.createDirectories(ours.v2Bundle(new TaskId("default", "ours")));
        var other = new NodePaths(folder.resolve("other/root"), folder.resolve("other/state"));
        Files.createDirectories(other.v2Bundle(new TaskId("default", "theirs")));
        process(
                7,
                "containerd",
                "--config",
                folder + "/none",
                "--root",
                other.root() + "",
                "--state",
                other.state() + "");
        process(8, "containerd-shim-runc-v2", "-namespace", "k8s.io", "-id", "stopped", "-address", "/run/x.sock");
        for (var name : new String[] {"ours-stdout", "theirs-stdin", "stopped-stderr", "gone-stdout"}) {
            fifo(name);
        }
        var proc = new ProcFs(folder.resolve("proc"));

        var left = new LeftoverScan(
                        Node.read(ours, proc),
                        proc,
                        Duration.ofSeconds(1),
                        Duration.ofMinutes(1),
                        folder.resolve("fifo"))
                .others().stream()
                        .filter(each -> each.kind() == Leftover.Kind.FIFO)
                        .toList();

        assertThat(left).extracting(Leftover::path).containsExactly(folder.resolve("fifo/1/gone-stdout"));
        assertThat(left.getFirst().owner()).isEqualTo("gone");
        assertThat(left.getFirst().task()).isNull();
    }

    private void fifo(String name) throws IOException {
        var file = Files.createFile(
                Files.createDirectories(folder.resolve("fifo/1")).resolve(name));
        Files.setLastModifiedTime(file, FileTime.from(Instant.EPOCH));
    }

    private void process(int pid, String... argv) throws IOException {
        var place = Files.createDirectories(folder.resolve("proc/" + pid));
        var comm = argv[0].substring(0, Math.min(15, argv[0].length()));
        Files.writeString(
                place.resolve("stat"), pid + " (" + comm + ") S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 0 0 1 0 4711 0 0\n");
        Files.writeString(place.resolve("cmdline"), String.join("\0", argv) + "\0");
    }
}
