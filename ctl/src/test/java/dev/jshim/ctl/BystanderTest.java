package dev.jshim.ctl;

import static java.nio.file.StandardCopyOption.COPY_ATTRIBUTES;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.linux.MountFlags;
import dev.jshim.linux.Mounts;
import dev.jshim.proto.v1.types.Status;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Who looks like a leaked container, or lies in its way, and must come to no harm by {@code clean} and {@code kill}.
 */
@Timeout(60)
class BystanderTest {
    @TempDir
    private Path directory;

    private FakeNode node = new FakeNode(Path.of("/"));
    private Path v2 = Path.of("/");

    @BeforeEach
    void setUp() {
        node = new FakeNode(directory);
        v2 = node.state.resolve("io.containerd.runtime.v2.task");
    }

    @AfterEach
    void tearDown() throws IOException {
        node.close();
    }

    /** A v2 bundle whose runtime keeps its state in a folder of this test's. */
    private static Path bundle(Path tasks, Path runtime, String namespace, String id) throws IOException {
        var bundle = Files.createDirectories(tasks.resolve(namespace).resolve(id));
        Files.writeString(bundle.resolve("config.json"), "{\"linux\":{\"cgroupsPath\":\"/none/" + id + "\"}}");
        Files.writeString(bundle.resolve("address"), "unix:///nowhere/" + id);
        Files.writeString(bundle.resolve("options.json"), "{\"root\":\"" + runtime + "\"}");
        Files.createDirectory(bundle.resolve("rootfs"));
        return bundle;
    }

    private Path bundle(String id) throws IOException {
        return bundle(v2, directory.resolve("runc"), "ns", id);
    }

    private Path runtimeState(String id, Path bundle, long pid, long start) throws IOException {
        var folder = Files.createDirectories(directory.resolve("runc/ns/" + id));
        Files.writeString(folder.resolve("state.json"), """
                {"init_process_pid":%d,"init_process_start":%d,"config":{"labels":["bundle=%s"]}}""".formatted(pid, start, bundle));
        return folder;
    }

    private Result clean() {
        return Result.on(node, "clean", "-n", "ns", "--older-than", "1ms", "--yes");
    }

    @Test
    void ofTwoContainerdsWithTheSameIdOnlyOursIsCleaned() throws IOException {
        var ours = bundle("web");
        var theirs = runtimeState("web", Path.of("/run/other/ns/web"), Integer.MAX_VALUE, 1);
        var done = bundle("done");
        var own = runtimeState("done", done, Integer.MAX_VALUE, 1);

        assertThat(clean().code()).isZero();

        assertThat(ours).doesNotExist();
        assertThat(theirs.resolve("state.json")).exists();
        assertThat(done).doesNotExist();
        assertThat(own).doesNotExist();
    }

    @Test
    void ofTwoContainerdsWithTheSameIdOnlyOursIsKilled() throws Exception {
        var stranger = new ProcessBuilder("sleep", "1000").start();
        try {
            var stat = Files.readString(Path.of("/proc/" + stranger.pid() + "/stat"));
            var start = Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1)[19]);
            var bundle = bundle("web");
            Files.writeString(bundle.resolve("init.pid"), Long.toString(stranger.pid()));
            runtimeState("web", Path.of("/run/other/ns/web"), stranger.pid(), start);

            for (var all : new String[][] {{}, {"--all"}}) {
                var words = all.length == 0
                        ? new String[] {"kill", "web", "-s", "KILL", "--escalate"}
                        : new String[] {"kill", "web", "-s", "KILL", "--escalate", "--all"};
                var result = Result.on(node, words);
                assertThat(result.code()).isEqualTo(ExitCode.FAILED);
                assertThat(result.err())
                        .contains("has a container of this id from another bundle: not signalled")
                        .contains("is another process now: not signalled");
            }
            assertThat(stranger.waitFor(200, TimeUnit.MILLISECONDS)).isFalse();
        } finally {
            stranger.destroyForcibly().waitFor();
        }
    }

    @Test
    void whereALinkLeadsIsAnothersHome() throws IOException {
        var other = directory.resolve("other/io.containerd.runtime.v2.task");
        var theirs = bundle(other, directory.resolve("runc"), "linked", "web");
        var ours = bundle("dead");
        Files.createSymbolicLink(v2.resolve("linked"), theirs.getParent());
        Files.createSymbolicLink(v2.resolve("ns/web"), theirs);
        var kept = Files.writeString(
                Files.createDirectory(directory.resolve("kept")).resolve("file"), "kept");
        Files.createSymbolicLink(ours.resolve("work"), kept.getParent());

        assertThat(clean().code()).isZero();
        assertThat(Result.on(node, "clean", "-n", "linked", "--older-than", "1ms", "--yes")
                        .code())
                .isZero();

        assertThat(theirs.resolve("rootfs")).exists();
        assertThat(ours).doesNotExist();
        assertThat(kept).hasContent("kept");
    }

    @Test
    void whatIsMountedInABundleStays() throws IOException {
        var source = Files.createDirectory(directory.resolve("data"));
        var file = Files.writeString(source.resolve("file"), "data");
        var dead = bundle("dead");
        var volume = Files.createDirectory(dead.resolve("rootfs/volume"));
        var beside = Files.createDirectory(dead.resolve("beside"));
        Mounts.mount(source.toString(), volume, "none", MountFlags.MS_BIND, "");
        Mounts.mount(source.toString(), beside, "none", MountFlags.MS_BIND, "");
        try (var busy = new FileInputStream(beside.resolve("file").toFile())) {
            assertThat(busy.available()).isPositive();
            var result = clean();
            assertThat(result.code()).isEqualTo(ExitCode.FINDINGS);
            assertThat(result.out()).contains("is mounted there");
            assertThat(dead.resolve("config.json")).exists();
        } finally {
            assertThat(file).hasContent("data");
            if (Mounts.isMountPoint(beside)) {
                Mounts.unmount(beside, 0);
            }
            if (Mounts.isMountPoint(volume)) {
                Mounts.unmount(volume, 0);
            }
        }
        Files.delete(volume);
        assertThat(clean().code()).isZero();
        assertThat(dead).doesNotExist();
        assertThat(file).hasContent("data");
    }

    /** Of a pod's containers only the sandbox's id stands in the command line of the shim that serves them all. */
    @Test
    void aPodsContainerWhoseShimLivesStays() throws Exception {
        var sandbox = bundle("sandbox");
        var container = bundle("container");
        Files.writeString(container.resolve("address"), "unix:///nowhere/sandbox");
        var program = Files.copy(Path.of("/bin/bash"), directory.resolve("containerd-shim-x-v2"), COPY_ATTRIBUTES);
        var shim = new ProcessBuilder(program.toString(), "-c", "read x", "x", "-namespace", "ns", "-id", "sandbox")
                .start();
        try {
            // The kernel sets the command line some time after the start was seen to succeed.
            while (!Files.readString(Path.of("/proc/" + shim.pid() + "/cmdline"))
                    .contains("sandbox")) {
                Thread.sleep(2);
            }
            assertThat(clean().out().lines()).hasSize(1);
            assertThat(sandbox).exists();
            assertThat(container).exists();
        } finally {
            shim.destroyForcibly().waitFor();
        }
        assertThat(clean().code()).isZero();
        assertThat(container).doesNotExist();
    }

    /** Dead bundles go, whatever they say of processes that are not theirs; who lives beside them loses nothing. */
    @Test
    void liesLinksAndWhatIsMissingHarmNobody() throws Exception {
        var living = node.task("ns", "living", Status.RUNNING);
        var before = Files.readString(living.resolve("config.json"));
        var stranger = new ProcessBuilder("sleep", "1000").start();
        try {
            var lying = bundle("lying");
            Files.writeString(lying.resolve("shim.pid"), Long.toString(stranger.pid()));
            var without = bundle("without");
            Files.delete(without.resolve("address"));
            var link = Files.createSymbolicLink(v2.resolve("ns/link"), living);
            var inside = bundle("inside");
            Files.createSymbolicLink(inside.resolve("work"), living);

            var result = clean();

            assertThat(result.err()).isEmpty();
            assertThat(lying).doesNotExist();
            assertThat(without).doesNotExist();
            assertThat(inside).doesNotExist();
            assertThat(link).isSymbolicLink();
            assertThat(stranger.waitFor(200, TimeUnit.MILLISECONDS)).isFalse();
            assertThat(living.resolve("config.json")).hasContent(before);
            assertThat(living.resolve("address")).exists();
            assertThat(living.resolve("init.pid")).exists();
            assertThat(Result.on(node, "ls", "-n", "ns").out()).contains("living");
        } finally {
            stranger.destroyForcibly().waitFor();
        }
    }
}
