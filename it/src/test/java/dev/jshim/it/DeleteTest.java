package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.MountPoint;
import dev.jshim.proto.v2.task2.DeleteResponse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("delete, without a JVM,")
class DeleteTest {

    /** containerd's 5 s on two cores: the time itself says as much of the machine's other work. */
    private static final Duration CPU = Duration.ofSeconds(10);

    /** What takes longer waits for something. */
    private static final Duration UNBOUNDED = Duration.ofSeconds(30);

    private static final DeleteResponse CLEAN =
            DeleteResponse.newBuilder().setPid(4711).setExitStatus(3).build();

    @TempDir
    private Path temp;

    private DistTree tree;
    private Path root;

    @BeforeEach
    void noJvm() throws IOException {
        tree = DistTree.built().scriptsWithJvm(Files.createDirectory(temp.resolve("tree")), "echo a JVM ran >&2");
        root = Files.createDirectory(temp.resolve("runtime-root"));
    }

    @Test
    @DisplayName("prints what the daemon has left")
    void cleanExit() throws IOException {
        Path bundle = bundle("one");
        Files.write(bundle.resolve("exit.pb"), CLEAN.toByteArray());
        assertThat(response(delete(bundle))).isEqualTo(CLEAN);
    }

    @Test
    @DisplayName("kills by the runtime what a crashed daemon left, and answers 137 with the time")
    void crashedDaemon() throws IOException {
        Path bundle = crashed("one", "echo \"$@\" >>" + temp.resolve("calls") + "; echo chatter; echo chatter >&2");
        DeleteResponse response = response(delete(bundle));
        assertThat(response.getPid()).isEqualTo(123456);
        assertThat(response.getExitStatus()).isEqualTo(137);
        assertThat(Instant.ofEpochSecond(response.getExitedAt().getSeconds()))
                .isBetween(Instant.now().minusSeconds(10), Instant.now().plusSeconds(1));
        assertThat(temp.resolve("calls"))
                .hasContent("--root " + root + " --log " + bundle + "/log.json --log-format json delete --force one");
    }

    @Test
    @DisplayName("says what the runtime said when that fails, and answers all the same")
    void failingRuntime() throws IOException {
        Launched deleted = delete(crashed("one", "echo cannot >&2; exit 1"));
        assertThat(deleted.code()).isZero();
        assertThat(deleted.err()).contains("delete --force one: cannot");
        assertThat(DeleteResponse.parseFrom(deleted.out()).getExitStatus()).isEqualTo(137);
    }

    @ParameterizedTest
    @ValueSource(strings = {"sleep 60 & exit 0", "sleep 60", "trap '' TERM; sleep 60 & sleep 60"})
    @DisplayName("ends in time when the runtime hangs or leaves a child behind")
    void hungRuntime(String script) throws IOException {
        Path bundle = crashed("one", script);
        Path calls = temp.resolve("timeouts");
        Path timeout = Files.createDirectory(temp.resolve("first")).resolve("timeout");
        Files.writeString(timeout, "#!/bin/sh\necho \"$*\" >>" + calls + "\nexec /usr/bin/timeout \"$@\"\n");
        timeout.toFile().setExecutable(true);
        var path = Map.of("PATH", timeout.getParent() + ":" + System.getenv("PATH"));

        Launched deleted = delete(bundle, "one", path);

        // Not the time, of which a busy machine takes what it likes: 3 s and 1 s are within containerd's 5.
        assertThat(calls).content().startsWith("-k 1 3 " + bundle.resolve("fake-runtime") + " ");
        assertThat(deleted.took()).as("the 60 s of the runtime").isLessThan(UNBOUNDED);
        assertThat(DeleteResponse.parseFrom(deleted.out()).getExitStatus()).isEqualTo(137);
    }

    @ParameterizedTest
    @CsvSource({
        "state.json, 0, '{\"id\":\"one\",\"init_process_pid\":%d,\"init_process_start\":%d,\"created\":\"2026\"}'",
        "status, 0, '{\n    \"pid\": %d,\n    \"process-start-time\": %d,\n    \"bundle\": \"/one\"\n}\n'",
        "state.json, 1, '{\"init_process_pid\":%d,\"init_process_start\":%d}'",
    })
    @DisplayName("kills init where the runtime does not, and nobody else who has its pid")
    void unkilled(String file, long off, String state) throws IOException {
        Process init = new ProcessBuilder("/bin/sleep", "1000").start();
        try {
            long start = ProcessFacts.of(init.pid()).startTime();
            Path bundle = crashed("one", "echo busy >&2; exit 1");
            Files.writeString(root.resolve("one").resolve(file), state.formatted(init.pid(), start + off));

            Launched deleted = delete(bundle);

            assertThat(DeleteResponse.parseFrom(deleted.out()).getExitStatus()).isEqualTo(137);
            if (off == 0) {
                assertThat(deleted.err()).contains("busy", "killed " + init.pid());
                assertThat(init.onExit().orTimeout(30, TimeUnit.SECONDS).join().exitValue())
                        .isEqualTo(128 + 9);
            } else {
                assertThat(deleted.err()).contains("busy").doesNotContain("killed");
                assertThat(init.isAlive()).isTrue();
            }
        } finally {
            init.destroyForcibly();
        }
    }

    @ParameterizedTest
    @CsvSource({"rwxr-xr-x, rw-rw-rw-, false", "rwx--x---, rw--w----, false", "rwx------, rw-rw-rw-, true"})
    @DisplayName("does nothing that others could have written into the bundle")
    void openFiles(String folder, String file, boolean done) throws IOException {
        Path bundle = crashed("one", "touch " + temp.resolve("called"));
        Files.setPosixFilePermissions(bundle.resolve("runtime"), PosixFilePermissions.fromString(file));
        Files.setPosixFilePermissions(bundle, PosixFilePermissions.fromString(folder));

        Launched deleted = delete(bundle);

        assertThat(deleted.code()).isEqualTo(done ? 0 : 1);
        assertThat(Files.exists(temp.resolve("called"))).isEqualTo(done);
        if (!done) {
            assertThat(deleted.text()).isEmpty();
            assertThat(deleted.err()).startsWith("jshim: delete: others may write to " + bundle);
        }
    }

    @Test
    @DisplayName("may be repeated, and needs nothing in the bundle")
    void emptyBundle() throws IOException {
        Path bundle = bundle("one");
        for (int i = 0; i < 2; i++) {
            assertThat(response(delete(bundle)).getExitStatus()).isEqualTo(137);
        }
    }

    @Test
    @DisplayName("is not ended by SIGINT and SIGTERM")
    void signals() throws IOException {
        // The runtime's parent is timeout(1), whose parent is the script.
        Path signalled = temp.resolve("signalled");
        Launched deleted = delete(crashed("one", """
                read -r _ _ _ script _ </proc/$PPID/stat
                kill -INT "$script" && kill -TERM "$script" && echo "$script" >""" + signalled));
        assertThat(signalled).isNotEmptyFile();
        assertThat(response(deleted).getExitStatus()).isEqualTo(137);
    }

    @ParameterizedTest
    @CsvSource({"bundles, false", "'with a blank, \\ and #', false", "bundles, true"})
    @DisplayName("unmounts the rootfs and what is mounted in it")
    void mounts(String folder, boolean exited) throws IOException {
        Path bundle = Files.createDirectories(temp.resolve(folder).resolve("one"));
        if (exited) {
            Files.write(bundle.resolve("exit.pb"), CLEAN.toByteArray());
        }
        Path rootfs = Files.createDirectories(bundle.resolve("rootfs"));
        Path neighbour = Files.createDirectories(temp.resolve(folder).resolve("two/rootfs"));
        mount(rootfs);
        mount(Files.createDirectory(rootfs.resolve("with a blank")));
        mount(neighbour);
        try {
            assertThat(response(delete(bundle)).equals(CLEAN)).isEqualTo(exited);
            assertThat(MountPoint.all())
                    .extracting(MountPoint::path)
                    .noneMatch(path -> path.startsWith(rootfs.toString()))
                    .contains(neighbour.toString());
        } finally {
            for (Path mounted : List.of(rootfs, neighbour)) {
                Launched.run(temp, Map.of(), List.of("umount", "-R", "-l", mounted.toString()));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".", "..", "../one", "a/b", "-x", "a b", "a;b"})
    @DisplayName("touches nothing for an id that is none")
    void badIds(String id) throws IOException {
        Path bundle = crashed("one", "touch " + temp.resolve("called"));
        Launched deleted = delete(bundle, id);
        assertThat(deleted.code()).isEqualTo(1);
        assertThat(deleted.text()).isEmpty();
        assertThat(deleted.err())
                .startsWith("jshim: delete: not a container id")
                .hasLineCount(1);
        assertThat(temp.resolve("called")).doesNotExist();
    }

    @Test
    @DisplayName("keeps within its time when a hundred bundles go at once")
    void hundredAtOnce() throws Exception {
        var bundles = new ArrayList<Path>();
        for (int i = 0; i < 100; i++) {
            Path bundle = i % 2 == 0 ? bundle("id" + i) : crashed("id" + i, ":");
            if (i % 2 == 0) {
                Files.write(bundle.resolve("exit.pb"), CLEAN.toByteArray());
            }
            bundles.add(bundle);
        }
        Duration before = cpuOfChildren();
        long began = System.nanoTime();
        try (var threads = Executors.newFixedThreadPool(100)) {
            List<Future<Launched>> all = bundles.stream()
                    .map(bundle -> threads.submit(() -> delete(bundle)))
                    .toList();
            for (Future<Launched> one : all) {
                Launched deleted = one.get();
                response(deleted);
                assertThat(deleted.took()).isLessThan(UNBOUNDED);
            }
        }
        long millis = Duration.ofNanos(System.nanoTime() - began).toMillis();
        Duration cpu = cpuOfChildren().minus(before);
        System.out.println("100 deletes at once: " + millis + " ms, cpu " + cpu.toMillis() + " ms");
        assertThat(cpu).isLessThan(CPU);
    }

    /** cutime and cstime of /proc/self/stat: of all that was started here, by that too, and has ended. */
    private static Duration cpuOfChildren() throws IOException {
        String stat = Files.readString(Path.of("/proc/self/stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        long ticks = Long.parseLong(fields[13]) + Long.parseLong(fields[14]);
        return Duration.ofMillis(ticks * 10);
    }

    private Path bundle(String id) throws IOException {
        return Files.createDirectories(temp.resolve("bundles").resolve(id));
    }

    /** A bundle whose daemon is gone and whose container the runtime still knows. */
    private Path crashed(String id, String runtimeScript) throws IOException {
        Path bundle = bundle(id);
        Path runtime = Files.writeString(bundle.resolve("fake-runtime"), "#!/bin/sh\n" + runtimeScript + "\n");
        runtime.toFile().setExecutable(true);
        Files.createDirectory(root.resolve(id));
        Files.writeString(bundle.resolve("runtime"), runtime + "\n");
        Files.writeString(bundle.resolve("runtime-root"), root + "\n");
        Files.writeString(bundle.resolve("init.pid"), "123456");
        return bundle;
    }

    private static void mount(Path target) {
        Launched.run(target, Map.of(), List.of("mount", "-t", "tmpfs", "jshim-it", target.toString()))
                .result();
    }

    private Launched delete(Path bundle) {
        return delete(bundle, bundle.getFileName().toString());
    }

    private Launched delete(Path bundle, String id) {
        return delete(bundle, id, Map.of());
    }

    private Launched delete(Path bundle, String id, Map<String, String> environment) {
        String program = tree.bin("containerd-shim-v2-oci").toString();
        return Launched.run(
                bundle,
                environment,
                List.of(
                        program,
                        "-namespace",
                        "n",
                        "-address",
                        "/run/a",
                        "-publish-binary",
                        "/bin/true",
                        "-id",
                        id,
                        "-bundle",
                        bundle.toString(),
                        "delete"));
    }

    private static DeleteResponse response(Launched deleted) throws IOException {
        assertThat(deleted.err()).isEmpty();
        assertThat(deleted.code()).isZero();
        return DeleteResponse.parseFrom(deleted.out());
    }
}
