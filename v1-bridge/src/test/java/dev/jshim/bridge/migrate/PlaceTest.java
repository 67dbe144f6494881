package dev.jshim.bridge.migrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jshim.bridge.FakeContainer;
import dev.jshim.bridge.journal.Journal;
import dev.jshim.bridge.serve.TestBridge;
import dev.jshim.node.NodePaths;
import dev.jshim.node.daemon.DaemonConfig;
import dev.jshim.task.TaskId;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A machine with several containerds, of which somebody names one's root and another's state directory. */
class PlaceTest {
    @TempDir
    Path folder;

    private Migration migration(NodePaths paths) {
        return new Migration(
                paths,
                folder.resolve("none.sock"),
                DaemonConfig.DEFAULTS,
                Duration.ofSeconds(20),
                Path.of("/opt/jshim/bin/containerd-shim-v1-linux"),
                line -> {});
    }

    /** What was tried against them. */
    private interface Try {
        void on(Migration migration) throws MigrationException;
    }

    @Test
    void rootAndStateOfTwoContainerds() throws Exception {
        var node = new NodePaths(folder.resolve("root"), folder.resolve("state"));
        var container = new FakeContainer(node.root(), node.state(), "ns", "c");
        try (var _ = container.serve();
                var _ = TestBridge.start(node)) {
            assertThat(migration(node).apply(null, false).complete()).isTrue();
            var journal = Files.readString(Journal.file(node.root()));
            var otherState = migration(new NodePaths(node.root(), Files.createDirectory(folder.resolve("state2"))));
            var otherRoot = migration(new NodePaths(Files.createDirectory(folder.resolve("root2")), node.state()));
            List<Try> tries = List.of(
                    it -> it.apply(null, false),
                    it -> it.rollback(false),
                    Migration::rollbackPlan,
                    it -> it.finishPlan(),
                    it -> it.finish());
            for (var one : tries) {
                assertThatThrownBy(() -> one.on(otherState))
                        .isInstanceOf(MigrationException.class)
                        .hasMessageContaining("belongs to the state directory " + node.state() + ", not to "
                                + folder.resolve("state2") + ": name it with --state");
                assertThatThrownBy(() -> one.on(otherRoot))
                        .isInstanceOf(MigrationException.class)
                        .hasMessageContaining("ns/c was adopted from the containerd with the root directory "
                                + node.root() + ", not " + folder.resolve("root2"));
            }
            assertThat(Files.readString(Journal.file(node.root()))).isEqualTo(journal);
            assertThat(node.v2Bundle(new TaskId("ns", "c"))).isDirectory();

            // By other names they are the same.
            Files.createSymbolicLink(folder.resolve("root-link"), node.root());
            Files.createSymbolicLink(folder.resolve("state-link"), node.state());
            var linked = migration(new NodePaths(folder.resolve("root-link"), folder.resolve("state-link")));
            assertThat(linked.rollbackPlan().rows()).hasSize(1);
            assertThat(migration(node).rollback(false).complete()).isTrue();
        } finally {
            container.kill();
        }
    }
}
