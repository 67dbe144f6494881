package dev.jshim.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jshim.node.NodePaths;
import dev.jshim.node.TaskId;
import dev.jshim.proto.v2.task2.ConnectRequest;
import dev.jshim.proto.v2.task2.DeleteRequest;
import dev.jshim.proto.v2.task2.TaskGrpc;
import dev.jshim.ttrpc.TtrpcChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BridgeDaemonTest {
    @TempDir
    Path folder;

    private NodePaths node;
    private BridgePaths paths;
    private FakeContainer container;
    private FakeV1Shim shim;

    @BeforeEach
    void setUp() throws Exception {
        node = new NodePaths(folder.resolve("root"), folder.resolve("state"));
        paths = new BridgePaths(node);
        container = new FakeContainer(node.root(), node.state(), "ns", "c");
        shim = container.serve();
    }

    @AfterEach
    void tearDown() throws Exception {
        shim.close();
        container.kill();
    }

    private BridgeDaemon start() throws Exception {
        return BridgeDaemon.start(BridgeFlags.parse(
                "-root", node.root().toString(), "-state", node.state().toString(), "-address", folder + "/none.sock"));
    }

    private Path adopt(BridgeDaemon daemon) throws Exception {
        var socket = daemon.bridge().adopt(container.record());
        AddedBundle.create(node, container.record(), socket, Path.of("/bin/shim"), 1);
        return socket;
    }

    private int connect(Path socket) throws Exception {
        try (var channel = TtrpcChannel.connect(socket, Duration.ofSeconds(2))) {
            return TaskGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(5, TimeUnit.SECONDS)
                    .connect(ConnectRequest.newBuilder().setId("c").build())
                    .getTaskPid();
        }
    }

    @Test
    void socketsAreForRootAlone() throws Exception {
        try (var daemon = start()) {
            var socket = adopt(daemon);
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
                    .isEqualTo("rw-------");
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(paths.directory())))
                    .isEqualTo("rwx------");
        }
    }

    @Test
    void secondBridgeIsRefused() throws Exception {
        try (var _ = start()) {
            assertThatThrownBy(this::start).hasMessageContaining("another bridge");
        }
        start().close();
    }

    @Test
    void nextBridgeServesWhatWasAdoptedBefore() throws Exception {
        Path socket;
        try (var daemon = start()) {
            socket = adopt(daemon);
        }
        assertThat(socket).doesNotExist();
        assertThat(container.init.isAlive()).isTrue();
        try (var daemon = start()) {
            assertThat(connect(socket)).isEqualTo((int) container.init.pid());
            assertThat(daemon.bridge().list()).hasSize(1);
        }
    }

    @Test
    void deadShimDoesNotKeepTheBundleFromBeingServed() throws Exception {
        Path socket;
        try (var daemon = start()) {
            socket = adopt(daemon);
        }
        shim.close();
        try (var _ = start()) {
            assertThat(connect(socket)).isEqualTo((int) container.init.pid());
        }
    }

    @Test
    void shimThatIsAnotherIsNotAdopted() throws Exception {
        var record = container.record();
        var other = new LegacyRecord(
                record.namespace(),
                record.id(),
                record.v1Bundle(),
                record.v1Work(),
                record.init(),
                record.init(),
                record.socket(),
                record.runtime(),
                record.runtimeRoot());
        try (var daemon = start()) {
            assertThatThrownBy(() -> daemon.bridge().adopt(other)).hasMessageContaining("the shim that answers");
            assertThat(daemon.bridge().list()).isEmpty();
        }
    }

    @Test
    void sameIdInTwoNamespacesIsTwoContainers() throws Exception {
        var second = new FakeContainer(node.root(), node.state(), "other", "c");
        try (var daemon = start();
                var _ = second.serve()) {
            var one = daemon.bridge().adopt(container.record());
            var two = daemon.bridge().adopt(second.record());
            assertThat(connect(one)).isEqualTo((int) container.init.pid());
            assertThat(connect(two)).isEqualTo((int) second.init.pid());
        } finally {
            second.kill();
        }
    }

    @Test
    void containerThatAnotherDaemonDeletedIsDropped() throws Exception {
        try (var daemon = start()) {
            adopt(daemon);
            var bundle = node.v2Bundle(new TaskId("ns", "c"));
            assertThat(bundle).isDirectory();
            container.kill();
            EndOfLife.removeUnmounted(container.v1Bundle);
            shim.close();
            LegacyRig.eventually(
                    () -> !Files.exists(bundle) && daemon.bridge().list().isEmpty());
            assertThat(node.v2Work(new TaskId("ns", "c"))).doesNotExist();
        }
    }

    @Test
    void deletedContainerIsClearedAwayEvenWithoutShutdown() throws Exception {
        try (var daemon = start()) {
            var socket = adopt(daemon);
            FakeContainer.end(container.init);
            shim.exit("c");
            try (var channel = TtrpcChannel.connect(socket, Duration.ofSeconds(2))) {
                var _ = TaskGrpc.newBlockingStub(channel)
                        .withDeadlineAfter(5, TimeUnit.SECONDS)
                        .delete(DeleteRequest.newBuilder().setId("c").build());
            }
            assertThat(node.v2Bundle(new TaskId("ns", "c")).resolve("exit.pb")).exists();
            LegacyRig.eventually(() -> !Files.exists(container.v1Bundle) && !Files.exists(container.v1Work));
            assertThat(container.shim.waitFor(2, TimeUnit.SECONDS)).isTrue();
            LegacyRig.eventually(() -> daemon.bridge().list().isEmpty());
        }
    }

    @Test
    void nothingOfV1IsTouchedWhileInitLives() throws Exception {
        new EndOfLife(container.record()).finish();
        assertThat(container.v1Bundle).isDirectory();
        assertThat(container.shim.isAlive()).isTrue();
    }
}
