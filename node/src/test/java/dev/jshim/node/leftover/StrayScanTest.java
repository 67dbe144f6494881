package dev.jshim.node.leftover;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.node.bundle.Bundles;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.survey.Node;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StrayScanTest {
    private static final TaskId TASK = new TaskId("ns", "c");
    private static final TaskId HALF_DELETED = new TaskId("ns", ".c");

    @TempDir
    private Path directory;

    private void shim(Bundles bundles, int pid) throws IOException {
        shim(bundles, pid, TASK);
    }

    /** A v1 shim, which stands in its bundle, there or not. */
    private void shim(Bundles bundles, int pid, TaskId task) throws IOException {
        var path = Files.createDirectories(directory.resolve("proc").resolve(Integer.toString(pid)));
        Files.writeString(
                path.resolve("stat"), pid + " (containerd-shim) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 0 0 1 0 100 0 0\n");
        Files.writeString(
                path.resolve("cmdline"),
                String.join(
                        "\0", "containerd-shim", "-namespace", "ns", "-workdir", bundles.paths.v1Work(task) + "\0"));
        Files.createSymbolicLink(path.resolve("cwd"), bundles.paths.v1Bundle(task));
    }

    private StrayScan.Result scan(Node node) {
        return StrayScan.of(node, new ProcFs(directory.resolve("proc")));
    }

    @Test
    void aShimWithoutABundleIsOne() throws IOException {
        var bundles = new Bundles(directory);
        shim(bundles, 10);
        assertThat(scan(Node.read(bundles.paths)).strays()).singleElement().satisfies(stray -> {
            assertThat(stray.kind()).isEqualTo(Stray.Kind.SHIM_WITHOUT_BUNDLE);
            assertThat(stray.task()).isEqualTo(TASK);
            assertThat(stray.pid()).isEqualTo(10);
        });
    }

    /** containerd gives a bundle such a name before it removes it, which may fail. */
    @Test
    void aShimInAHalfDeletedBundleIsOne() throws IOException {
        var bundles = new Bundles(directory);
        bundles.v1("ns", ".c");
        shim(bundles, 10, HALF_DELETED);
        assertThat(scan(Node.read(bundles.paths)).strays())
                .singleElement()
                .satisfies(stray -> assertThat(stray.pid()).isEqualTo(10));
    }

    @Test
    void aContainerThatCameMeanwhileIsNone() throws IOException {
        var bundles = new Bundles(directory);
        var before = Node.read(bundles.paths);
        bundles.v1("ns", "c");
        shim(bundles, 10);
        assertThat(scan(before).strays()).isEmpty();
    }
}
