package dev.jshim.bridge.end;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.bridge.FakeContainer;
import dev.jshim.bridge.FakeV1Shim;
import dev.jshim.bridge.record.AdoptedNotes;
import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.linux.ProcessId;
import dev.jshim.node.NodePaths;
import dev.jshim.proto.v1.types.Status;
import dev.jshim.task.Exit;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CleanupTest {
    /** Of processes that there are not: no pid is as high. */
    private static final int SHIM = 0x7ffffff0;

    private static final int INIT = SHIM + 1;

    @TempDir
    Path folder;

    private Path bundle;
    private Path work;
    private Path socket;

    @BeforeEach
    void container() throws IOException {
        bundle = Files.createDirectories(folder.resolve("state/ns/c"));
        work = Files.createDirectories(folder.resolve("root/ns/c"));
        socket = Files.createFile(folder.resolve("sock"));
        Files.writeString(bundle.resolve("init.pid"), Integer.toString(INIT));
        Files.writeString(bundle.resolve("shim.pid"), Integer.toString(SHIM));
    }

    @Test
    void allThatWasOfTheContainerGoes() {
        finish();

        assertThat(bundle).doesNotExist();
        assertThat(work).doesNotExist();
        assertThat(socket).doesNotExist();
    }

    @Test
    void whatAnotherContainerOfTheSameIdHasStays() throws Exception {
        Files.writeString(bundle.resolve("init.pid"), "4711");

        finish();

        assertThat(bundle.resolve("init.pid")).exists();
        assertThat(work).exists();
        assertThat(socket)
                .as("the address is made of the id: it is the other's")
                .exists();
    }

    /** A containerd 2.x has made a container of the id meanwhile, whose shim's socket has the same name. */
    @Test
    void theSocketOnWhichAnotherShimListensStays() throws Exception {
        Files.delete(socket);
        try (var listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            listener.bind(UnixDomainSocketAddress.of(socket));
            finish();
            assertThat(socket).exists();
        }
        assertThat(bundle).doesNotExist();
    }

    @Test
    void theSocketOfAShimThatIsDeadGoes() throws Exception {
        Files.delete(socket);
        try (var listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            listener.bind(UnixDomainSocketAddress.of(socket));
        }
        finish();
        assertThat(socket).doesNotExist();
    }

    /** Then it cannot be asked any more; who comes next knows it from the note. */
    @Test
    void aV1ShimWithoutTheNameOfItsSocketHasDeleted() throws Exception {
        var container = new FakeContainer(folder.resolve("r"), folder.resolve("s"), "ns", "own");
        Files.createDirectories(container.socket.getParent());
        var record = container.record();
        var paths = new BridgePaths(new NodePaths(folder.resolve("r"), folder.resolve("s")));
        Files.createDirectories(paths.directory());
        try (var fake = container.serve()) {
            FakeContainer.end(container.init);
            fake.states.put("own", Status.STOPPED);
            var cleanup = new Cleanup(AdoptedNotes.of(paths, record));
            cleanup.notes().deleting((Exit) null);
            assertThat(cleanup.progress()).isEqualTo(Cleanup.Progress.STOPPED);
            assertThat(Cleanup.deletedBundles(paths)).isEmpty();

            cleanup.removeOwnSocket();

            assertThat(container.socket).doesNotExist();
            assertThat(container.shim.isAlive()).isTrue();
            assertThat(Cleanup.noted(paths))
                    .singleElement()
                    .satisfies(next -> assertThat(next.progress()).isEqualTo(Cleanup.Progress.DELETED));
            assertThat(Cleanup.deletedBundles(paths)).containsExactly(container.v1Bundle);
            Files.writeString(container.v1Bundle.resolve("init.pid"), "4711");
            assertThat(Cleanup.deletedBundles(paths)).as("another has the id").isEmpty();
        } finally {
            container.kill();
        }
    }

    /** A new container of the id has a shim whose socket has the same name. */
    @Test
    void theSocketOfAnotherShimKeepsItsName() throws Exception {
        var container = new FakeContainer(folder.resolve("r"), folder.resolve("s"), "ns", "own");
        Files.createDirectories(container.socket.getParent());
        var paths = new BridgePaths(new NodePaths(folder.resolve("r"), folder.resolve("s")));
        try (var _ = new FakeV1Shim(container.socket, "own", INIT, SHIM)) {
            new Cleanup(AdoptedNotes.of(paths, container.record())).removeOwnSocket();
            assertThat(container.socket).exists();
        } finally {
            container.kill();
        }
    }

    @Test
    void anotherShimIsAnotherContainerToo() throws Exception {
        Files.delete(bundle.resolve("init.pid"));
        Files.writeString(bundle.resolve("shim.pid"), "4711");

        finish();

        assertThat(bundle).exists();
        assertThat(socket).exists();
    }

    /** What the v1 shim died before, and the launcher's {@code delete} was not run for. */
    @Test
    void theRuntimesStateGoes() throws Exception {
        runtime("rm -r \"$2/$4\"; echo \"$*\" >" + folder.resolve("said"));

        finish();

        assertThat(folder.resolve("said")).hasContent("--root " + folder.resolve("runc/ns") + " delete c");
        assertThat(folder.resolve("runc/ns/c")).doesNotExist();
        assertThat(bundle).doesNotExist();
    }

    @Test
    void aRuntimeThatFailsIsNotInTheWayOfTheRest() throws Exception {
        runtime("exit 1");

        finish();

        assertThat(folder.resolve("runc/ns/c")).exists();
        assertThat(bundle).doesNotExist();
        assertThat(work).doesNotExist();
    }

    /**
     * A containerd 2.x may have made a new task of the id meanwhile: under the same root, while the v1 bundle is there.
     */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"init_process_pid\": 4711, \"init_process_start\": 1}",
                "{\"init_process_pid\": " + INIT + ", \"init_process_start\": 2}",
                "{\"init_process_pid\": " + INIT + "}",
                "half of a sta"
            })
    void theStateOfAnotherContainerStays(String state) throws Exception {
        runtime("rm -r \"$2/$4\"");
        Files.writeString(folder.resolve("runc/ns/c/state.json"), state);

        finish();

        assertThat(folder.resolve("runc/ns/c")).exists();
        assertThat(bundle).doesNotExist();
    }

    private void runtime(String script) throws IOException {
        Files.createDirectories(folder.resolve("runc/ns/c"));
        Files.writeString(
                folder.resolve("runc/ns/c/state.json"),
                "{\"init_process_pid\": " + INIT + ", \"init_process_start\": 1}");
        Files.writeString(folder.resolve("runtime"), "#!/bin/sh\n" + script + "\n");
        Files.setPosixFilePermissions(folder.resolve("runtime"), PosixFilePermissions.fromString("rwx------"));
    }

    private BridgePaths paths() {
        return new BridgePaths(new NodePaths(folder.resolve("root"), folder.resolve("state")));
    }

    private void finish() {
        var record = new AdoptedRecord(
                "ns",
                "c",
                bundle,
                work,
                new ProcessId(SHIM, 1),
                new ProcessId(INIT, 1),
                "unix://" + socket,
                folder.resolve("runtime").toString(),
                folder.resolve("runc/ns"));
        new Cleanup(AdoptedNotes.of(paths(), record), Duration.ofMillis(50)).finish();
    }
}
