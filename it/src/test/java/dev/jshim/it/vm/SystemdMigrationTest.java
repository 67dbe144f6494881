package dev.jshim.it.vm;

import static dev.jshim.it.vm.SystemNode.bridge;
import static dev.jshim.it.vm.SystemNode.ctr;
import static dev.jshim.it.vm.SystemNode.jshimctl;
import static dev.jshim.it.vm.SystemNode.keeper;
import static dev.jshim.it.vm.SystemNode.mainPid;
import static dev.jshim.it.vm.SystemNode.read;
import static dev.jshim.it.vm.SystemNode.tasks;
import static dev.jshim.it.vm.SystemNode.until;
import static dev.jshim.it.vm.SystemNode.version;
import static dev.jshim.it.vm.Systemd.systemctl;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.it.EventLog;
import dev.jshim.it.Outcome;
import dev.jshim.it.ProcessFacts;
import dev.jshim.it.Product;
import dev.jshim.it.Run;
import dev.jshim.it.Signal;
import dev.jshim.it.Wait;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * A node of Debian 12 with containerd 1.6 and v1 containers goes to containerd 2 as docs/migration.md says it, with
 * systemd, the package's own containerd.service, our unit and drop-in, and the default directories. Each test goes on
 * where the one before has ended.
 */
@InGuest
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SystemdMigrationTest {
    private static final String GO = "io.containerd.runc.v2";
    private static final String BRIDGE = "jshim-bridge";
    private static final String IN_THE_UNIT = "/system.slice/jshim-bridge.service\n";
    private static final Path BUNDLE = Path.of("/run/containerd/io.containerd.runtime.v2.task/own/web");
    private static final String LIMIT = "67108864";

    /** After a test that failed: the next begins as if there had been none. */
    @RegisterExtension
    static final AfterTestExecutionCallback CLEAN_UP = context -> {
        if (context.getExecutionException().isPresent()) {
            if (bridge() != 0) {
                Signal.CONT.to(bridge());
            }
            systemctl("reset-failed");
            systemctl("start", "containerd");
            ctr("task", "resume", "web");
        }
    };

    /** The init processes of the two containers that all of this is about. */
    private final Map<String, ProcessFacts> inits = new TreeMap<>();

    private void runDb() {
        inits.put(
                "db",
                SystemNode.run(
                        Product.LEGACY,
                        "db",
                        List.of("--memory-limit", "33554432"),
                        "/bin/sh",
                        "-c",
                        "while [ ! -e /go ]; do sleep 1; done; exit 5"));
    }

    private boolean runAsBefore() {
        return inits.keySet().stream().allMatch(this::runsAsBefore);
    }

    private boolean runsAsBefore(String id) {
        return tasks().isRunning(id) && SystemNode.init(id).equals(inits.get(id));
    }

    private void assertRunning() {
        assertThat(inits).hasSize(2);
        inits.forEach((id, init) -> {
            assertThat(tasks().get(id).status()).as(id).isEqualTo("RUNNING");
            assertThat(SystemNode.init(id)).as(id).isEqualTo(init);
        });
    }

    private void assertAlive() {
        assertThat(inits.values()).hasSize(2).allMatch(ProcessFacts::alive);
    }

    private static void awaitAnotherBridge(long before) {
        until("another bridge serves", () -> bridge() != before && SystemNode.isServed());
    }

    private static String cgroups(long pid) {
        return read(Path.of("/proc/" + pid + "/cgroup"));
    }

    @Test
    @Order(1)
    void anOldNode() {
        SystemNode.startContainerd();
        assertThat(version()).startsWith("1.6.");
        assertThat(Systemd.property("containerd", "KillMode")).isEqualTo("process");
        inits.put(
                "web", SystemNode.run(Product.LEGACY, "web", List.of("--memory-limit", LIMIT), "/bin/sleep", "100000"));
        runDb();
        assertRunning();
        ctr("task", "metrics", "web").ok();
        for (String program : List.of("containerd-shim-v2-oci", "containerd-shim-v1-linux", "jshimctl")) {
            Systemd.sh("ln -sf " + Product.bin().resolve(program) + " /usr/local/bin/");
        }
        jshimctl("migrate", "plan").ok();
    }

    /** With it a stop of containerd would kill every v1 shim. */
    @Test
    @Order(2)
    void killModeIsSeen() throws IOException {
        Path folder = Files.createDirectories(Path.of("/run/systemd/system/containerd.service.d"));
        Path dropIn = Files.writeString(folder.resolve("kill.conf"), "[Service]\nKillMode=control-group\n");
        Systemd.reload();

        Outcome plan = jshimctl("migrate", "plan");
        assertThat(plan.code()).isNotZero();
        assertThat(plan.toString()).contains("containerd.service (KillMode=control-group)");
        assertThat(jshimctl("migrate", "apply", "--yes").code()).isNotZero();
        assertThat(BUNDLE).doesNotExist();

        Files.delete(dropIn);
        Systemd.reload();
        jshimctl("migrate", "plan").ok();
    }

    /** On a node where nothing is adopted unit and drop-in do nothing. */
    @Test
    @Order(3)
    void unitsAreHarmless() {
        Systemd.sh("cp /opt/jshim/lib/systemd/jshim-bridge.service /etc/systemd/system/");
        Systemd.sh("cp -r /opt/jshim/lib/systemd/containerd.service.d /etc/systemd/system/");
        Systemd.reload();
        systemctl("enable", "--now", BRIDGE).ok();
        assertThat(Systemd.isActive(BRIDGE)).isFalse();
        assertThat(Systemd.hasFailed(BRIDGE)).isFalse();

        systemctl("restart", "containerd").ok();
        SystemNode.awaitAnswer();
        assertRunning();
    }

    /** Whatever ends the caller's unit or session leaves the bridge alone. */
    @Test
    @Order(4)
    void applied() {
        jshimctl("migrate", "apply", "--yes").ok();

        assertThat(cgroups(ProcessHandle.current().pid())).contains("checks.service");
        assertThat(cgroups(bridge())).isNotEmpty().doesNotContain("checks.service");
    }

    /** The bridge that apply started is nobody's unit; the unit takes it and its keeper to its own cgroup. */
    @Test
    @Order(5)
    void unitTakesOver() {
        long before = bridge();

        systemctl("enable", "--now", BRIDGE).ok();

        assertThat(SystemNode.isServed()).isTrue();
        assertThat(bridge()).isEqualTo(before);
        assertThat(mainPid(BRIDGE)).isEqualTo(keeper());
        for (long pid : List.of(bridge(), keeper())) {
            assertThat(cgroups(pid)).contains(IN_THE_UNIT);
            assertThat(read(Path.of("/proc/" + pid + "/oom_score_adj"))).isEqualTo("-999\n");
        }
        assertRunning();
    }

    @Test
    @Order(6)
    void upgraded() {
        systemctl("stop", "containerd").ok();
        assertAlive();
        jshimctl("migrate", "apply", "--yes").ok();
        jshimctl("migrate", "verify").ok();
        Systemd.sh(SystemNode.INSTALL_2);
        SystemNode.startContainerd();

        assertThat(version()).startsWith("2.");
        assertRunning();
        assertThat(SystemNode.echo("x", "hello")).isEqualTo("hello");
        ctr("task", "pause", "web").ok();
        ctr("task", "metrics", "web").ok();
        ctr("task", "resume", "web").ok();
        jshimctl("migrate", "verify").ok();
        jshimctl("ls").ok();
    }

    /** A Go shim's container in the adopted one's cgroup accounts for the same files. */
    @Test
    @Order(7)
    void adoptedMetrics() {
        String cgroup = ":memory:/own/web\n";
        assertThat(cgroups(SystemNode.init("web").pid())).contains(cgroup);
        List<String> flags = List.of("--cgroup", "/own/web", "--memory-limit", LIMIT);
        ProcessFacts twin = SystemNode.run(GO, "twin", flags, "/bin/sleep", "100005");
        assertThat(cgroups(twin.pid())).contains(cgroup);
        ctr("task", "pause", "web").ok();

        Samples samples = Samples.take(
                id -> ctr("task", "metrics", "--format", "json", id).ok().out());
        samples.areEqual();
        assertThat(samples.ours()).contains("\"limit\": " + LIMIT);

        ctr("task", "resume", "web").ok();
        SystemNode.end("twin");
        ctr("container", "rm", "twin").ok();
        assertRunning();
    }

    @Test
    @Order(8)
    void adoptedOom() {
        try (EventLog events = SystemNode.events()) {
            ctr("task", "exec", "--exec-id", "greedy", "db", "/bin/sh", "-c", "exec busybox tail -c 64m /dev/zero")
                    .expect(137);
            events.exit("db", "greedy");
            Wait.until("it is told", () -> events.topics("db").contains("/tasks/oom"));
            events.quiet(Duration.ofSeconds(2));
            assertThat(events.topics("db")).containsOnlyOnce("/tasks/oom");
        }
        assertRunning();
    }

    @Test
    @Order(9)
    void daemonRestartsAndBridgeStays() {
        long before = bridge();

        systemctl("restart", "containerd").ok();
        SystemNode.awaitAnswer();
        assertThat(bridge()).isEqualTo(before);
        assertRunning();

        long daemon = mainPid("containerd");
        systemctl("kill", "--signal=KILL", "--kill-whom=main", "containerd").ok();
        until("another containerd", () -> Systemd.isActive("containerd") && mainPid("containerd") != daemon);
        SystemNode.awaitAnswer();
        assertThat(bridge()).isEqualTo(before);
        until("they run as before", this::runAsBefore);
    }

    /** A new bridge for an old one, while containerd runs: the keeper stays, containerd hears nothing. */
    @Test
    @Order(10)
    void reloadReplacesIt() {
        long before = bridge();
        long keeper = keeper();
        try (EventLog events = SystemNode.events()) {
            systemctl("reload", BRIDGE).ok();

            assertThat(bridge()).isNotEqualTo(before);
            assertThat(mainPid(BRIDGE)).isEqualTo(keeper);
            assertThat(cgroups(bridge())).contains(IN_THE_UNIT);
            assertThat(SystemNode.isServed()).isTrue();
            assertRunning();
            assertThat(SystemNode.echo("y", "hello")).isEqualTo("hello");
            // What came after it was heard, so what came with it would have been.
            Wait.until("it is told", () -> events.topics("web").contains("/tasks/exec-started"));
            assertThat(events.exits("web", "web")).isEmpty();
        }
    }

    /** Its keeper starts it again: neither systemd nor containerd notices. */
    @Test
    @Order(11)
    void killedBridgeIsNotMissed() {
        long before = bridge();
        long keeper = keeper();
        long daemon = mainPid("containerd");

        Signal.KILL.to(before);

        assertRunning();
        awaitAnotherBridge(before);
        assertThat(mainPid(BRIDGE)).isEqualTo(keeper);
        assertThat(mainPid("containerd")).isEqualTo(daemon);
        assertRunning();
        assertThat(SystemNode.echo("z", "hello")).isEqualTo("hello");
    }

    /**
     * The bridge goes on, and has another keeper; systemd, whose main process it was, starts the unit again around
     * both.
     */
    @Test
    @Order(12)
    void killedKeeperIsReplaced() {
        long before = bridge();
        long keeper = keeper();

        Signal.KILL.to(keeper);

        until(
                "another keeper is the unit's",
                () -> keeper() != keeper && mainPid(BRIDGE) == keeper() && SystemNode.isServed());
        assertThat(bridge()).isEqualTo(before);
        assertThat(cgroups(before)).contains(IN_THE_UNIT);
        SystemNode.awaitAnswer();
        until("they run as before", this::runAsBefore);
    }

    /** The only death that containerd notices: the drop-in has systemd restart it with the unit. */
    @Test
    @Order(13)
    void killedBothComeBack() {
        long before = bridge();
        Signal.STOP.to(before); // It would have another keeper at once.
        Signal.KILL.to(keeper());
        Signal.KILL.to(before);

        awaitAnotherBridge(before);
        assertAlive();
        SystemNode.awaitAnswer();
        until("they run as before", this::runAsBefore);
    }

    /** While a bundle does not answer containerd does not start, and so deletes nothing. */
    @Test
    @Order(14)
    void muteBridgeKeepsContainerdFromStarting() {
        systemctl("stop", "containerd").ok();
        long mute = bridge();
        Signal.STOP.to(mute);
        Outcome start;
        try {
            start = systemctl("start", "containerd");
            systemctl("stop", "containerd").ok();
        } finally {
            Signal.CONT.to(mute);
        }
        assertThat(start.code()).isNotZero();
        String journal = Run.of(List.of("journalctl", "-u", "containerd", "--no-pager"))
                .run()
                .ok()
                .out();
        assertThat(journal).containsPattern("jshimctl.*own +web +no ").contains("do not start containerd 2.x now");
        assertThat(BUNDLE.resolve("jshim.v1")).exists();

        systemctl("reset-failed", "containerd").ok();
        SystemNode.startContainerd();
        assertRunning();
    }

    /** A stop of the bridge stops containerd first, a start of containerd starts the bridge first. */
    @Test
    @Order(15)
    void orderOfStopAndStart() {
        ProcessFacts before = ProcessFacts.of(bridge());

        systemctl("stop", BRIDGE).ok();
        assertThat(Systemd.isActive("containerd")).isFalse();
        assertThat(before.alive()).isFalse();
        assertAlive();

        SystemNode.startContainerd();
        assertThat(Systemd.isActive(BRIDGE)).isTrue();
        assertRunning();
    }

    @Test
    @Order(16)
    void exitCodeSurvives() throws IOException {
        systemctl("stop", "containerd").ok();
        Path go = Files.createFile(SystemNode.rootfs("db").resolve("go"));
        ProcessFacts ending = inits.get("db");
        until("it has ended", () -> ending != null && !ending.alive());

        SystemNode.startContainerd();

        assertThat(tasks().isStopped("db")).isTrue();
        assertThat(ctr("task", "rm", "db").err()).contains("exit code 5");
        ctr("container", "rm", "db").ok();
        Files.delete(go);
    }

    /** It is refused while containerd 2 runs; then all is as it was, and the unit does not start the bridge again. */
    @Test
    @Order(17)
    void rolledBack() {
        assertThat(jshimctl("migrate", "rollback", "--yes").code()).isNotZero();
        systemctl("stop", "containerd").ok();
        jshimctl("migrate", "rollback", "--yes").ok();
        Wait.pause(Duration.ofSeconds(3)); // In which systemd could start it again.
        assertThat(Systemd.isActive(BRIDGE)).isFalse();
        assertThat(Systemd.hasFailed(BRIDGE)).isFalse();
        assertThat(ProcessFacts.withCommand("dev.jshim.bridge.Main")).isEmpty();

        Systemd.sh(SystemNode.INSTALL_1);
        SystemNode.startContainerd();
        assertThat(version()).startsWith("1.6.");
        assertThat(runsAsBefore("web")).isTrue();
        ctr("container", "rm", "db");
        runDb();
        assertRunning();
    }

    /** All in one go, with systemctl's defaults for stop and start; one that fails and takes itself back. */
    @Test
    @Order(18)
    void wholeChangeThatFails() throws IOException {
        Path broken = Files.writeString(Path.of("/tmp/broken.sh"), """
                cp /usr/bin/containerd /usr/bin/containerd.kept
                printf '#!/bin/sh\\nexit 1\\n' >/usr/bin/containerd.new
                chmod +x /usr/bin/containerd.new
                mv /usr/bin/containerd.new /usr/bin/containerd
                """);
        String undo = "mv /usr/bin/containerd.kept /usr/bin/containerd";

        jshimctl("migrate", "apply", "--yes", "--restart", "sh " + broken, "--undo", undo)
                .expect(1);

        SystemNode.awaitAnswer();
        assertThat(version()).startsWith("1.6.");
        assertRunning();
    }

    @Test
    @Order(19)
    void wholeChange() {
        jshimctl("migrate", "apply", "--yes", "--restart", SystemNode.INSTALL_2, "--undo", SystemNode.INSTALL_1)
                .ok();

        SystemNode.awaitAnswer();
        assertThat(version()).startsWith("2.");
        assertRunning();
        assertThat(Systemd.isActive("containerd")).isTrue();
        assertThat(cgroups(bridge())).contains(IN_THE_UNIT);
    }
}
