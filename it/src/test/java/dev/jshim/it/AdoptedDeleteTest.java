package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.proto.v2.task2.DeleteResponse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("delete of an adopted bundle")
class AdoptedDeleteTest {

    private static final long GONE = 4_194_305; // above the largest pid there is

    @TempDir
    private Path temp;

    private DistTree tree;
    private Process alive;
    private Path bundle;
    private Path v1Bundle;
    private Path v1Work;

    @BeforeEach
    void adopt() throws IOException {
        tree = DistTree.built().scriptsWithJvm(Files.createDirectory(temp.resolve("tree")), "echo a JVM ran >&2");
        // A name as awkward as a name can be: /proc/PID/stat shows it between parentheses.
        Path named = Files.copy(Path.of("/bin/sleep"), temp.resolve("a) S (b"));
        alive = new ProcessBuilder(named.toString(), "600").start();
        bundle = Files.createDirectories(temp.resolve("v2/one"));
        v1Bundle = Files.createDirectories(temp.resolve("state/one"));
        v1Work = Files.createDirectories(temp.resolve("root/one"));
        Files.createDirectory(v1Bundle.resolve("rootfs"));
    }

    @AfterEach
    void end() {
        alive.destroyForcibly();
    }

    @Test
    @DisplayName("touches nothing while the v1 shim lives")
    void shimAlive() throws IOException {
        record(alive.pid(), startOf(alive.pid()), GONE, "1");
        assertRefused("v1 shim " + alive.pid());
    }

    @Test
    @DisplayName("touches nothing while init lives")
    void initAlive() throws IOException {
        record(GONE, "1", alive.pid(), startOf(alive.pid()));
        assertRefused("init process " + alive.pid());
    }

    @Test
    @DisplayName("does not take another process with the same pid for the shim, cleans up and answers 137")
    void bothGone() throws IOException {
        record(alive.pid(), "1", GONE, "1");
        Files.writeString(v1Bundle.resolve("init.pid"), Long.toString(GONE));
        Launched deleted = delete();
        assertThat(deleted.err()).isEmpty();
        assertThat(deleted.code()).isZero();
        DeleteResponse response = DeleteResponse.parseFrom(deleted.out());
        assertThat(response.getPid()).isEqualTo((int) GONE);
        assertThat(response.getExitStatus()).isEqualTo(137);
        assertThat(v1Bundle).doesNotExist();
        assertThat(v1Work).doesNotExist();
        assertThat(bundle).exists();
    }

    @Test
    @DisplayName("takes a zombie for dead")
    void zombies() throws IOException {
        Process parent = new ProcessBuilder("/bin/sh", "-c", "sleep 0 & exec sleep 600").start();
        try {
            Wait.until("it has a zombie", () -> parent.children().count() == 1 && isZombie(childOf(parent)));
            long zombie = childOf(parent);
            record(GONE, "1", zombie, startOf(zombie));
            Files.writeString(v1Bundle.resolve("init.pid"), Long.toString(zombie));
            Files.writeString(v1Bundle.resolve("shim.pid"), Long.toString(GONE));
            assertThat(delete().code()).isZero();
            assertThat(v1Bundle).doesNotExist();
        } finally {
            parent.destroyForcibly();
        }
    }

    @Test
    @DisplayName("touches nothing while init lives without its first thread")
    void initWithoutFirstThread() throws IOException {
        Process init =
                new ProcessBuilder(FirstThread.compile(temp.resolve("program")).toString()).start();
        try {
            Wait.until("its first thread has ended", () -> isZombie(init.pid()) && isZombie(childOf(init)));
            record(GONE, "1", init.pid(), startOf(init.pid()));
            assertRefused("init process " + init.pid());
        } finally {
            init.descendants().forEach(ProcessHandle::destroyForcibly);
            init.destroyForcibly();
        }
    }

    private static long childOf(Process parent) {
        return parent.children().findFirst().orElseThrow().pid();
    }

    private static boolean isZombie(long pid) {
        return Run.of(List.of("cat", "/proc/" + pid + "/stat")).run().out().contains(") Z ");
    }

    @Test
    @DisplayName("cleans up where another process has the pid of init by now")
    void pidInUseAgain() throws IOException {
        record(GONE, "1", alive.pid(), "1");
        Files.writeString(v1Bundle.resolve("init.pid"), Long.toString(alive.pid()));
        Files.writeString(v1Bundle.resolve("shim.pid"), Long.toString(GONE));
        Launched deleted = delete();
        assertThat(deleted.err()).isEmpty();
        assertThat(deleted.code()).isZero();
        assertThat(v1Bundle).doesNotExist();
        assertThat(v1Work).doesNotExist();
        assertThat(alive.isAlive()).isTrue();
    }

    @Test
    @DisplayName("leaves another container alone that has the id, and by chance the pid of init")
    void idAndPidInUseAgain() throws IOException {
        record(GONE, "1", alive.pid(), "1");
        Files.writeString(v1Bundle.resolve("init.pid"), Long.toString(alive.pid()));
        Files.writeString(v1Bundle.resolve("shim.pid"), Long.toString(GONE + 1));
        assertThat(delete().err()).contains("another container has the id");
        assertThat(v1Bundle).exists();
        Files.delete(v1Bundle.resolve("shim.pid")); // Of a containerd that wrote none.
        assertThat(delete().err()).contains("another container has the id");
        assertThat(v1Bundle).exists();
        assertThat(v1Work).exists();
    }

    @Test
    @DisplayName("leaves another container alone that has the id now")
    void idInUseAgain() throws IOException {
        record(GONE, "1", GONE, "1");
        Files.writeString(v1Bundle.resolve("init.pid"), Long.toString(alive.pid()));
        Path marker = temp.resolve("called");
        Path runtime = temp.resolve("runtime");
        Files.writeString(runtime, "#!/bin/sh\ntouch " + marker + "\n");
        Files.setPosixFilePermissions(runtime, PosixFilePermissions.fromString("rwx------"));
        Path root = temp.resolve("runc");
        Files.createDirectories(root.resolve("one"));
        Path adopted = bundle.resolve("jshim.v1");
        Files.writeString(
                adopted,
                Files.readString(adopted).stripTrailing() + "\nruntime " + runtime + "\nruntime-root " + root + "\n");
        Launched deleted = delete();
        assertThat(deleted.code()).isZero();
        assertThat(deleted.err()).contains("another container has the id");
        assertThat(DeleteResponse.parseFrom(deleted.out()).getExitStatus()).isEqualTo(137);
        assertThat(marker).doesNotExist();
        assertThat(v1Bundle).exists();
        assertThat(v1Work).exists();
    }

    @Test
    @DisplayName("prints what the bridge has left, whoever lives")
    void finished() throws IOException {
        record(alive.pid(), startOf(alive.pid()), GONE, "1");
        var exit = DeleteResponse.newBuilder().setPid(7).setExitStatus(9).build();
        Files.write(bundle.resolve("exit.pb"), exit.toByteArray());
        Launched deleted = delete();
        assertThat(deleted.code()).isZero();
        assertThat(DeleteResponse.parseFrom(deleted.out())).isEqualTo(exit);
        assertThat(v1Bundle).exists();
    }

    @Test
    @DisplayName("removes no folder that is not named after the container")
    void foreignFolders() throws IOException {
        Path foreign = Files.createDirectories(temp.resolve("state/two"));
        Files.writeString(
                bundle.resolve("jshim.v1"),
                "v1-bundle " + foreign + "\nv1-work " + temp.resolve("state/two/../one") + "\nshim-pid " + GONE);
        assertThat(delete().code()).isZero();
        assertThat(foreign).exists();
        assertThat(v1Bundle).exists();
    }

    @Test
    @DisplayName("answers for 100 bundles at once, as when the bridge dies, within containerd's 5 s")
    void hundredAtOnce() throws Exception {
        List<Path> bundles = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            bundle = Files.createDirectories(temp.resolve("v2/c" + i));
            bundles.add(bundle);
            record(alive.pid(), startOf(alive.pid()), GONE, "1");
        }
        String binary = tree.bin("containerd-shim-v1-linux").toString();
        long began = System.nanoTime();
        try (ExecutorService all = Executors.newFixedThreadPool(100)) {
            List<Future<Launched>> deletes = new ArrayList<>();
            for (Path each : bundles) {
                String id = each.getFileName().toString();
                deletes.add(all.submit(
                        () -> Launched.run(each, Map.of(), List.of(binary, "-namespace", "n", "-id", id, "delete"))));
            }
            for (Future<Launched> delete : deletes) {
                assertThat(delete.get().code()).isEqualTo(1);
                assertThat(delete.get().err()).contains("bundle kept").doesNotContain("a JVM ran");
            }
        }
        long millis = Duration.ofNanos(System.nanoTime() - began).toMillis();
        System.out.println("100 deletes of adopted bundles at once: " + millis + " ms");
        bundles.forEach(each -> assertThat(each).exists());
        assertThat(alive.isAlive()).isTrue();
    }

    private void assertRefused(String who) {
        Launched deleted = delete();
        assertThat(deleted.code()).isEqualTo(1);
        assertThat(deleted.text()).isEmpty();
        assertThat(deleted.err())
                .isEqualTo("jshim: container one still runs under its v1 shim (" + who
                        + " lives): bundle kept; start the bridge and restart containerd\n");
        assertThat(v1Bundle).exists();
        assertThat(v1Work).exists();
        assertThat(alive.isAlive()).isTrue();
    }

    private void record(long shim, String shimStart, long init, String initStart) throws IOException {
        Files.writeString(
                bundle.resolve("jshim.v1"), """
                v1-bundle %s
                v1-work %s
                shim-pid %d
                shim-start %s
                init-pid %d
                init-start %s
                runtime /bin/true
                runtime-root %s
                """.formatted(v1Bundle, v1Work, shim, shimStart, init, initStart, temp));
    }

    private static String startOf(long pid) throws IOException {
        String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
        return stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1)[19];
    }

    private Launched delete() {
        return Launched.run(
                bundle,
                Map.of(),
                List.of(tree.bin("containerd-shim-v1-linux").toString(), "-namespace", "n", "-id", "one", "delete"));
    }
}
