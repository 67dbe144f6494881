package dev.jshim.bridge.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jshim.bridge.FakeContainer;
import dev.jshim.bridge.FakeV1Shim;
import dev.jshim.bridge.V1Rig;
import dev.jshim.bridge.end.Cleanup;
import dev.jshim.bridge.record.AdoptedBundle;
import dev.jshim.bridge.record.AdoptedNotes;
import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.bridge.record.Directories;
import dev.jshim.linux.FileCalls;
import dev.jshim.node.NodePaths;
import dev.jshim.proto.v2.task2.ConnectRequest;
import dev.jshim.proto.v2.task2.DeleteRequest;
import dev.jshim.proto.v2.task2.TaskGrpc;
import dev.jshim.task.Exit;
import dev.jshim.task.TaskId;
import dev.jshim.ttrpc.TtrpcChannel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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
        AdoptedBundle.create(node, container.record(), socket, Path.of("/bin/shim"), 1);
        return socket;
    }

    private int connect(Path socket) throws Exception {
        try (var channel = TtrpcChannel.connect(socket, Duration.ofSeconds(20))) {
            return TaskGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(20, TimeUnit.SECONDS)
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

    /** One that was killed has its lock a moment longer. */
    @Test
    void aLockThatComesFreeInTimeIsWaitedFor() throws Exception {
        Files.createDirectories(paths.directory());
        var dying = Objects.requireNonNull(FileCalls.lockDirectory(paths.directory()));
        var freed = new AtomicBoolean();
        var end = Thread.ofPlatform().start(() -> {
            try {
                Thread.sleep(300);
                freed.set(true);
                dying.close();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        try (var _ = start()) {
            assertThat(freed).isTrue();
        }
        end.join();
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
    void oneThatCannotBeServedKeepsNoOtherFromIt() throws Exception {
        var record = container.record();
        var bad = new FakeContainer(node.root(), node.state(), "ns", "bad");
        var socketless = new AdoptedRecord(
                "ns",
                "bad",
                bad.v1Bundle,
                bad.v1Work,
                record.shim(),
                record.init(),
                "no-socket",
                record.runtime(),
                record.runtimeRoot());
        var blocked = new FakeContainer(node.root(), node.state(), "ns", "blocked");
        Path socket;
        try (var daemon = start()) {
            socket = adopt(daemon);
        }
        try {
            AdoptedBundle.create(node, socketless, paths.socket(socketless.task()), Path.of("/bin/shim"), 1);
            var inTheWay = paths.socket(blocked.record().task());
            AdoptedBundle.create(node, blocked.record(), inTheWay, Path.of("/bin/shim"), 1);
            Files.createDirectories(inTheWay.resolve("not empty"));
            try (var daemon = start()) {
                assertThat(connect(socket)).isEqualTo((int) container.init.pid());
                assertThat(daemon.bridge().list())
                        .extracting(AdoptedContainer::id)
                        .containsExactly(record.task());
            }
        } finally {
            bad.kill();
            blocked.kill();
        }
    }

    @Test
    void shimThatIsAnotherIsNotAdopted() throws Exception {
        var record = container.record();
        var other = new AdoptedRecord(
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
            Directories.removeUnmounted(container.v1Bundle);
            shim.close();
            V1Rig.eventually(
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
            try (var channel = TtrpcChannel.connect(socket, Duration.ofSeconds(20))) {
                var _ = TaskGrpc.newBlockingStub(channel)
                        .withDeadlineAfter(20, TimeUnit.SECONDS)
                        .delete(DeleteRequest.newBuilder().setId("c").build());
            }
            assertThat(node.v2Bundle(new TaskId("ns", "c")).resolve("exit.pb")).exists();
            V1Rig.eventually(() -> !Files.exists(container.v1Bundle) && !Files.exists(container.v1Work));
            assertThat(container.shim.waitFor(30, TimeUnit.SECONDS)).isTrue();
            V1Rig.eventually(() -> daemon.bridge().list().isEmpty());
        }
    }

    /** Its v1 shim and files are left until then, and nothing else says so. */
    @Test
    void aDeletionIsFinishedThoughTheContainerIsReleasedMeanwhile() throws Exception {
        var task = container.record().task();
        try (var daemon = start()) {
            var socket = adopt(daemon);
            FakeContainer.end(container.init);
            shim.exit("c");
            try (var channel = TtrpcChannel.connect(socket, Duration.ofSeconds(20))) {
                var _ = TaskGrpc.newBlockingStub(channel)
                        .withDeadlineAfter(20, TimeUnit.SECONDS)
                        .delete(DeleteRequest.newBuilder().setId("c").build());
                daemon.bridge().release(task);
            }
        }
        AdoptedBundle.remove(node.v2Bundle(task));
        try (var _ = start()) {
            V1Rig.eventually(() -> !Files.exists(container.v1Bundle) && !Files.exists(container.v1Work));
            V1Rig.eventually(() -> Cleanup.noted(paths).isEmpty());
            assertThat(container.shim.waitFor(30, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void notesGoWithAReleaseAndComeWithTheNextAdoption() throws Exception {
        var record = container.record();
        try (var daemon = start()) {
            daemon.bridge().adopt(record);
            assertThat(notes(record).file()).exists();
            daemon.bridge().release(record.task());
            assertThat(notes(record).file()).doesNotExist();
            daemon.bridge().adopt(record);
            assertThat(notes(record).file()).exists();
        }
    }

    private AdoptedNotes notes(AdoptedRecord record) {
        return AdoptedNotes.of(paths, record);
    }

    /** As far as a deletion had come when the bridge died, and whether containerd has done with the bundle. */
    @ParameterizedTest(name = "{0}, bundle {1}")
    @CsvSource({
        "asked, there",
        "asked, gone",
        "begun, there",
        "begun, gone",
        "half, there",
        "half, gone",
        "done, there",
        "done, gone"
    })
    void nextBridgeFinishesADeletion(String came, String bundle) throws Exception {
        var record = container.record();
        try (var daemon = start()) {
            adopt(daemon);
        }
        var exit = new Exit(record.init().pid(), 3, Instant.EPOCH);
        notes(record).deleting(exit);
        FakeContainer.end(container.init);
        shim.exit("c");
        if (!came.equals("asked")) {
            shim.states.remove("c"); // what a v1 shim says after Delete
        }
        switch (came) {
            case "half" -> FakeContainer.end(container.shim);
            case "done" -> {
                shim.close();
                FakeContainer.end(container.shim);
                Directories.removeUnmounted(container.v1Bundle);
            }
            default -> {}
        }
        if (bundle.equals("gone")) {
            AdoptedBundle.remove(node.v2Bundle(record.task()));
        }
        assertThat(BridgeDaemon.isNothingLeft(node)).isFalse();

        try (var _ = start()) {
            if (bundle.equals("there")) {
                var written = node.v2Bundle(record.task()).resolve("exit.pb");
                V1Rig.eventually(() -> Files.exists(written)); // a start waits for that only for a while
            }
            V1Rig.eventually(() -> !Files.exists(container.v1Bundle) && !Files.exists(container.v1Work));
            V1Rig.eventually(() -> Cleanup.noted(paths).isEmpty());
            assertThat(container.shim.waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(container.socket).doesNotExist();
        }
    }

    /** A start does not wait for it, so that the container is served by then as if nothing had been. */
    @Test
    void aDeletionThatTakesLongerThanAStartEndsTheContainerToo() throws Exception {
        try (var daemon = start()) {
            adopt(daemon);
        }
        notes(container.record()).deleting((Exit) null);
        FakeContainer.end(container.init);
        shim.exit("c");
        var deletes = new CountDownLatch(1);
        shim.slow.put("delete", deletes);
        try (var daemon = start()) {
            assertThat(daemon.bridge().list()).hasSize(1);
            deletes.countDown();
            V1Rig.eventually(() -> daemon.bridge().list().isEmpty());
            assertThat(container.v1Bundle).doesNotExist();
            assertThat(Cleanup.noted(paths)).isEmpty();
        }
    }

    @Test
    void aDeletionThatWasRefusedIsNoEnd() throws Exception {
        try (var daemon = start()) {
            adopt(daemon);
        }
        notes(container.record()).deleting((Exit) null);
        try (var _ = start()) {
            V1Rig.eventually(() -> Cleanup.noted(paths).isEmpty());
            assertThat(container.v1Bundle).isDirectory();
            assertThat(container.shim.isAlive()).isTrue();
        }
    }

    @Test
    void anotherContainerOfTheIdIsNotClearedAway() throws Exception {
        try (var daemon = start()) {
            adopt(daemon);
        }
        var record = container.record();
        notes(record).deleting((Exit) null);
        container.kill();
        shim.close();
        AdoptedBundle.remove(node.v2Bundle(record.task()));
        Directories.removeUnmounted(container.v1Bundle);
        Directories.removeUnmounted(container.v1Work);
        var again = new FakeContainer(node.root(), node.state(), "ns", "c");
        try (var _ = again.serve();
                var _ = start()) {
            V1Rig.eventually(() -> Cleanup.noted(paths).isEmpty());
            assertThat(again.v1Bundle).isDirectory();
            assertThat(again.v1Work).isDirectory();
            assertThat(again.shim.isAlive()).isTrue();
        } finally {
            again.kill();
        }
    }

    @Test
    void whatWasOnlyToBeDeletedTheEndOfAMigrationDeletesAndAWayBackDoesNot() throws Exception {
        Files.createDirectories(paths.directory());
        var ending = notes(container.record());
        FakeContainer.end(container.init);
        shim.exit("c");

        ending.deleting((Exit) null);
        Cleanup.finishDeleted(paths);
        assertThat(Cleanup.noted(paths)).isEmpty();
        assertThat(container.shim.isAlive()).isTrue();
        assertThat(container.v1Bundle).isDirectory();

        ending.deleting((Exit) null);
        Cleanup.finishAll(paths);
        assertThat(Cleanup.noted(paths)).isEmpty();
        assertThat(container.shim.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(container.v1Bundle).doesNotExist();
    }

    @Test
    void aV1ShimThatDoesNotAnswerHoldsUpTheEndOfAMigration() throws Exception {
        Files.createDirectories(paths.directory());
        var ending = notes(container.record());
        FakeContainer.end(container.init);
        shim.close();
        ending.deleting((Exit) null);

        assertThatThrownBy(() -> Cleanup.finishAll(paths))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("ns/c")
                .hasMessageContaining("then retry");
        assertThat(Cleanup.noted(paths)).hasSize(1);

        FakeContainer.end(container.shim);
        Cleanup.finishAll(paths);
        assertThat(container.v1Bundle).doesNotExist();
    }

    @Test
    void withoutABridgeTheEndOfAMigrationFinishesDeletions() throws Exception {
        Files.createDirectories(paths.directory());
        notes(container.record()).deleting((Exit) null);
        container.kill();
        Cleanup.finishAll(paths);
        assertThat(container.v1Bundle).doesNotExist();
        assertThat(container.v1Work).doesNotExist();
    }

    /** It would end for all who are connected. */
    @Test
    void withoutAKeeperItMakesNoRoom() throws Exception {
        try (var daemon = start()) {
            assertThatThrownBy(() -> daemon.bridge().replace(List.of("/bin/true")))
                    .hasMessageContaining("no keeper");
            var _ = adopt(daemon);
            assertThat(daemon.bridge().list()).hasSize(1);
        }
    }

    @Test
    void nothingOfV1IsTouchedWhileInitLives() throws Exception {
        new Cleanup(notes(container.record())).finish();
        assertThat(container.v1Bundle).isDirectory();
        assertThat(container.shim.isAlive()).isTrue();
    }
}
