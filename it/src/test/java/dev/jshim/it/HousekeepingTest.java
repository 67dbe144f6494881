package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** What a shim does to its own process. */
@ParameterizedClass(name = "{0}")
@MethodSource("dev.jshim.it.Setup#oursOn16")
class HousekeepingTest extends ShimScenario {
    private static final String HUGE_PAGES = "THP_enabled:\t";

    HousekeepingTest(Setup setup) {
        super(setup);
    }

    @Test
    void itsOomScoreIsOneMoreThanItsParents() throws Exception {
        ProcessFacts init = sleeper("one");
        int containerd = score(node.pid());

        assertThat(score(shim("one"))).isEqualTo(containerd + 1);
        assertThat(score(jvm("one"))).isEqualTo(containerd + 1);
        ProcessFacts dead = ProcessFacts.of(jvm("one"));
        Signal.KILL.to(dead.pid());
        Wait.until("it is dead", () -> !dead.alive());
        assertThat(score(jvm("one"))).as("of the next one").isEqualTo(containerd + 1);
        // As under the Go shim: what a spec does not set is inherited.
        assertThat(score(init.pid())).isEqualTo(containerd + 1);
        node.remove("one");
    }

    @Test
    void hugePagesAreOffForItAndNotForItsContainers() throws Exception {
        ProcessFacts init = sleeper("one");

        assertThat(status(jvm("one"), HUGE_PAGES)).isEqualTo("0");
        assertThat(status(init.pid(), HUGE_PAGES)).isEqualTo(status(node.pid(), HUGE_PAGES));
        node.remove("one");
    }

    @Test
    void itsSocketIsItsUsersAlone() throws Exception {
        sleeper("one");
        Path socket = Path.of(
                Files.readString(node.bundle("one").resolve("address")).strip().substring("unix://".length()));

        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
                .isEqualTo("rw-------");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket.getParent())))
                .isEqualTo("rwx------");
        node.remove("one");
    }

    @Test
    void anotherUserIsRefusedEvenWhereTheFileModesAreLost() throws Exception {
        sleeper("one");
        Path socket = Path.of(
                Files.readString(node.bundle("one").resolve("address")).strip().substring("unix://".length()));
        // A second name where another user gets at it; the listener behind it is the same.
        Path open = Path.of("/run", node.namespace() + ".sock");
        Files.createLink(open, socket);
        List<String> probe = List.of(
                "perl",
                "-MIO::Socket::UNIX",
                "-e",
                "$s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die \"connect: $!\";"
                        + " $n = sysread($s, $b, 1); print defined $n && $n == 0 ? 'closed' : 'open'",
                open.toString());

        try {
            Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rw-rw-rw-"));
            List<String> nobody = List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups");
            assertThat(Run.of(concat(nobody, probe)).run().ok().out()).isEqualTo("closed");
        } finally {
            Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rw-------"));
            Files.delete(open);
        }
        assertThat(node.ctr("task", "ps", "one").ok().out()).contains("PID");
        node.remove("one");
    }

    @Test
    void usr1WritesTheStacksIntoTheLog() throws Exception {
        sleeper("one");
        long shim = shim("one");

        Run.of(List.of("kill", "-USR1", Long.toString(shim))).run().ok();

        Wait.until("stacks in the log", () -> node.logText().contains("=== END stack dump ==="));
        assertThat(node.logText())
                .contains("=== BEGIN stack dump ===")
                .contains("dev.jshim.shim.oci.Reaper.run")
                .contains("thread \\\"main\\\"");
        assertThat(node.ctr("task", "ps", "one").ok().out()).contains("PID");
        node.remove("one");
    }

    @Test
    void termEndsItCleanlyAndItsContainerLivesOn() throws Exception {
        ProcessFacts init = sleeper("one");
        ProcessFacts shim = ProcessFacts.of(shim("one"));
        Path socket = Path.of(
                Files.readString(node.bundle("one").resolve("address")).strip().substring("unix://".length()));
        node.kill9(); // Its `delete` would end the container.

        Run.of(List.of("kill", "-TERM", Long.toString(shim.pid()))).run().ok();

        Wait.until("the shim has ended", () -> !shim.alive());
        Wait.until("its JVM has ended", () -> Shims.jvm(shim.pid()) == 0);
        assertThat(init.alive()).isTrue();
        Run.of(List.of("kill", "-KILL", Long.toString(init.pid()))).run().ok();
        node.start(); // Finds a shim that is gone, and cleans up.
        Wait.until("no task", () -> !Tasks.of(node).has("one"));
        Wait.until("nothing is left", () -> !Files.exists(socket.getParent()));
        node.ctr("container", "rm", "one").ok();
    }

    @Test
    void itEntersTheCgroupThatIsMeantForIt() throws Exception {
        Path cgroups = Path.of("/sys/fs/cgroup");
        boolean unified = Files.exists(cgroups.resolve("cgroup.controllers"));
        Path cgroup = Files.createDirectory(
                (unified ? cgroups : cgroups.resolve("memory")).resolve(node.namespace() + "-shims"));
        node.stop();
        node.configure("ShimCgroup = \"/" + cgroup.getFileName() + "\"\n");
        node.start();
        ProcessFacts init = sleeper("one");

        assertThat(Files.readAllLines(cgroup.resolve("cgroup.procs")))
                .containsExactlyInAnyOrder(Long.toString(shim("one")), Long.toString(jvm("one")));
        assertThat(Files.readString(Path.of("/proc/" + init.pid() + "/cgroup")))
                .contains((unified ? "0::/" : ":memory:/") + node.namespace() + "/one\n");
        node.remove("one");
    }

    /** prctl(2) of x86-64 by number: what the kernel tells of a process, or that it knows no core scheduling. */
    @Test
    void itHasACoreSchedulingCookieWhereTheKernelHasThem() throws Exception {
        node.stop();
        node.setVariable("SCHED_CORE", "1");
        node.start();
        sleeper("one");

        String get = "$c = pack 'Q', 0; print syscall(157, 62, 0, $ARGV[0], 1, $c) == 0 ? unpack('Q', $c) : 'unknown'";
        String cookie = Run.of(List.of("perl", "-e", get, Long.toString(shim("one"))))
                .run()
                .ok()
                .out();
        if (cookie.equals("unknown")) {
            Wait.until("a warning", () -> node.logText().contains("there is no core scheduling here"));
        } else {
            assertThat(cookie).isNotEqualTo("0");
        }
        node.remove("one");
    }

    private long shim(String id) throws IOException {
        return Long.parseLong(
                Files.readString(node.bundle(id).resolve("shim.pid")).strip());
    }

    private long jvm(String id) throws IOException {
        long shim = shim(id);
        return Wait.forValue(() -> "a JVM of " + shim, () -> Shims.jvm(shim) == 0 ? null : Shims.jvm(shim));
    }

    private static int score(long pid) throws IOException {
        return Integer.parseInt(
                Files.readString(Path.of("/proc/" + pid + "/oom_score_adj")).strip());
    }

    private static String status(long pid, String key) throws IOException {
        return Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream()
                .filter(line -> line.startsWith(key))
                .findFirst()
                .orElseThrow()
                .substring(key.length());
    }

    private static List<String> concat(List<String> first, List<String> second) {
        return java.util.stream.Stream.concat(first.stream(), second.stream()).toList();
    }
}
