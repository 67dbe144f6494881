package dev.jshim.it.vm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.it.Outcome;
import dev.jshim.it.PrivateContainerd;
import dev.jshim.it.ProcessFacts;
import dev.jshim.it.Product;
import dev.jshim.it.Release;
import dev.jshim.it.Run;
import dev.jshim.it.Scenario;
import dev.jshim.it.Tasks;
import dev.jshim.it.Wait;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is different on the unified hierarchy with systemd; what is the same there the scenarios show. */
@InGuest
class UnifiedCgroupTest extends Scenario {
    private static final String GO = "io.containerd.runc.v2";
    private static final String[] SLEEP = {"/bin/sleep", "100000"};
    private static final String LIMIT = "67108864";
    private static final String HALF = "33554432";

    private static final Path OUT = Path.of(System.getProperty("jshim.out", "target/vm"));

    @SuppressWarnings("NullAway.Init") // Before all tests.
    private static NodeFacts facts;

    @BeforeAll
    static void isUnified() {
        assertThat(Path.of("/sys/fs/cgroup/cgroup.controllers")).exists();
        facts = NodeFacts.now();
    }

    @AfterAll
    static void nothingIsLeft() {
        facts.areBack();
    }

    private void start(Release release) {
        node = PrivateContainerd.started(release);
    }

    private ProcessFacts run(String runtime, String id, List<String> flags, String... argv) {
        List<String> all = new ArrayList<>(List.of("-d"));
        all.addAll(flags);
        node.ctr(node.runArgs(runtime, all, id, argv).toArray(String[]::new)).ok();
        return node.init(id);
    }

    private List<String> configured(String toml) throws IOException {
        Path file = Files.writeString(node.dir().resolve("shim.toml"), toml);
        return List.of("--runtime-config-path", file.toString());
    }

    private void update(String id, String resources) {
        Product.ctl(node, "-n", node.namespace(), "call", id, "Update", """
                resources { type_url: "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources" value: '%s' }
                """.formatted(resources))
                .ok();
    }

    @Test
    void pausedByTheKernelsFreezer() {
        start(Release.V2);
        Path cgroup =
                Systemd.cgroup(node.runDetached(Product.RUNTIME, "web", SLEEP).pid());
        assertThat(cgroup).isEqualTo(Path.of("/sys/fs/cgroup", node.namespace(), "web"));

        node.ctr("task", "pause", "web").ok();
        assertThat(cgroup.resolve("cgroup.freeze")).content().isEqualTo("1\n");
        assertThat(cgroup.resolve("cgroup.events")).content().contains("frozen 1\n");
        assertThat(Tasks.of(node).get("web").status()).isEqualTo("PAUSED");

        node.ctr("task", "resume", "web").ok();
        assertThat(cgroup.resolve("cgroup.events")).content().contains("frozen 0\n");
        node.remove("web");
        assertThat(cgroup).doesNotExist();
    }

    /** A second container, under the Go shim, in the first one's cgroup: both shims then account for the same one. */
    @Test
    void equalStats() throws IOException {
        start(Release.V2);
        Systemd.sh("dd if=/dev/zero of=/var/swap bs=1M count=128 && chmod 600 /var/swap && mkswap /var/swap");
        Systemd.sh("swapon /var/swap");
        try {
            List<String> flags = new ArrayList<>(List.of("--cgroup", "/" + node.namespace() + "/same"));
            flags.addAll(List.of("--memory-limit", LIMIT, "--cpu-period", "100000", "--cpu-quota", "50000"));
            ProcessFacts web =
                    run(Product.RUNTIME, "web", flags, "/bin/sh", "-c", "sleep 100002 & sleep 100003 & wait");
            run(GO, "twin", flags, SLEEP);
            leaveATraceInMostCounters();
            node.ctr("task", "pause", "web").ok();

            Samples samples = Samples.take(this::metrics);
            if (!record(web, samples)) {
                samples = Samples.take(this::metrics);
                assertThat(record(web, samples)).as("it stands still").isTrue();
            }
            samples.areEqual();
            for (String counter : List.of("nr_throttled", "oom_kill", "rbytes", "swap_usage")) {
                assertThat(samples.ours()).containsPattern("\"" + counter + "\": [1-9]");
            }

            node.ctr("task", "resume", "web").ok();
            node.remove("twin");
            node.remove("web");
        } finally {
            Systemd.sh("swapoff /var/swap"); // What is to be killed for want of memory would go there.
        }
    }

    private String metrics(String id) {
        return node.ctr("task", "metrics", "--format", "json", id).ok().out();
    }

    /** Throttled time, input and output, refaults, a process killed for want of memory, swap. */
    private void leaveATraceInMostCounters() {
        node.exec("web", "w1", "/bin/sh", "-c", "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done")
                .ok();
        node.exec("web", "w2", "/bin/dd", "if=/dev/zero", "of=/tmp/f", "bs=1M", "count=24", "conv=fsync")
                .ok();
        Systemd.sh("sync; echo 3 >/proc/sys/vm/drop_caches");
        node.exec("web", "w3", "/bin/dd", "if=/tmp/f", "of=/dev/null", "bs=1M").ok();
        node.exec("web", "w4", "/bin/sh", "-c", "busybox tail -c 200m /dev/zero >/dev/null");
    }

    /**
     * The files that a shim reads of a paused container, and what the Go shim says of it, for unit tests. False if the
     * kernel has given memory back since the samples.
     */
    private boolean record(ProcessFacts init, Samples samples) throws IOException {
        Systemd.sh("""
                host=%s cgroup=%s pid=%d
                mkdir -p $host$cgroup $host/proc/self $host/proc/$pid $host/sys/kernel/mm/hugepages
                cat /proc/self/mountinfo >$host/proc/self/mountinfo
                cat /proc/$pid/cgroup >$host/proc/$pid/cgroup
                cat /proc/$pid/stat >$host/proc/$pid/stat
                for size in /sys/kernel/mm/hugepages/*; do
                    [ ! -d $size ] || { mkdir -p $host$size && cat $size/nr_hugepages >$host$size/nr_hugepages; }
                done
                for file in $cgroup/*; do
                    cat $file >$host$file 2>/dev/null || rm -f $host$file
                done
                """.formatted(OUT.resolve("recorded"), Systemd.cgroup(init.pid()), init.pid()));
        String theirs = metrics("twin");
        Files.writeString(OUT.resolve("recorded.json"), theirs);
        Files.writeString(OUT.resolve("metrics-ours.json"), samples.ours());
        Files.writeString(OUT.resolve("metrics-go.json"), samples.after());
        return Samples.steady(theirs).equals(Samples.steady(samples.after()));
    }

    @Test
    void bySystemd() throws IOException {
        start(Release.V2);
        String scope = node.namespace() + "-web.scope";
        List<String> flags = new ArrayList<>(configured("SystemdCgroup = true\n"));
        flags.addAll(List.of("--cgroup", "system.slice:" + node.namespace() + ":web", "--memory-limit", LIMIT));
        Path cgroup = Systemd.cgroup(run(Product.RUNTIME, "web", flags, SLEEP).pid());

        assertThat(cgroup).isEqualTo(Path.of("/sys/fs/cgroup/system.slice", scope));
        assertThat(Systemd.property(scope, "MemoryMax")).isEqualTo(LIMIT);
        assertThat(Systemd.isActive(scope)).isTrue();
        node.ctr("task", "metrics", "web").ok();
        update("web", "{\"memory\":{\"limit\":" + HALF + "}}");
        assertThat(Systemd.property(scope, "MemoryMax")).isEqualTo(HALF);
        node.ctr("task", "pause", "web").ok();
        node.ctr("task", "resume", "web").ok();
        assertThat(node.echo("web", "x", "hello")).isEqualTo("hello");
        Systemd.reload();
        assertThat(cgroup.resolve("memory.max")).content().isEqualTo(HALF + "\n");

        node.remove("web");
        Systemd.awaitInactive(scope);
        assertThat(cgroup).doesNotExist();
    }

    /** containerd as a service, with KillMode=process: what it has started stays in the stopped unit's cgroup. */
    @Test
    void daemonRestarts() throws IOException {
        start(Release.V2);
        node.stop();
        String unit = node.namespace() + ".service";
        Run.of(List.of(
                        "systemd-run",
                        "--unit=" + unit,
                        "--setenv=PATH=" + Product.bin() + ":" + Release.V2.folder() + ":/usr/sbin:/usr/bin:/sbin:/bin",
                        "--setenv=JSHIM_JAVA_OPTS=-Djshim.grace=3",
                        "--property=KillMode=process",
                        "--property=Delegate=yes",
                        Release.V2.daemon().toString(),
                        "--config",
                        node.dir().resolve("config.toml").toString()))
                .run()
                .ok();
        Wait.until("it answers", () -> node.ctr("version").code() == 0);
        try {
            ProcessFacts init = node.runDetached(Product.RUNTIME, "web", SLEEP);
            ProcessFacts shim = ProcessFacts.of(init.parent());
            String daemon = Systemd.property(unit, "MainPID");

            Systemd.systemctl("restart", unit).ok();

            Wait.until("it answers", () -> node.ctr("version").code() == 0);
            assertThat(Systemd.property(unit, "MainPID")).isNotEqualTo(daemon);
            Wait.until("it has the task", () -> Tasks.of(node).isRunning("web"));
            assertThat(node.init("web")).isEqualTo(init);
            assertThat(shim.alive()).isTrue();
            assertThat(Systemd.cgroup(shim.pid()).startsWith("/sys/fs/cgroup/system.slice/" + unit))
                    .isTrue();
            assertThat(node.echo("web", "x", "hello")).isEqualTo("hello");
            node.remove("web");
        } finally {
            Systemd.systemctl("stop", unit).ok();
        }
    }

    /**
     * What containerd 1.6 and 1.7 do with their v1 runtime where there is no v1 hierarchy: they make the container,
     * cannot find its cgroup, and forget both. So nobody has v1 containers here, but what that left must be seen.
     */
    @ParameterizedTest
    @EnumSource(names = {"V1_6", "V1_7"})
    void v1RuntimeFails(Release old) {
        start(old);

        List<String> args = node.runArgs(Product.LEGACY, List.of("-d"), "old", SLEEP);
        Outcome run = node.ctr(args.toArray(String[]::new));
        assertThat(run.code()).isNotZero();
        assertThat(run.err()).contains("cgroup mountpoint does not exist");

        String plan = Product.ctl(node, "migrate", "plan").expect(3).toString();
        // runc's init, which waits for a start that does not come.
        Matcher found = Pattern.compile("/old: the container lives, pid (\\d+), but its bundle is gone")
                .matcher(plan);
        assertThat(found.find()).as(plan).isTrue();
        assertThat(ProcessFacts.of(Long.parseLong(found.group(1))).alive()).isTrue();
        Systemd.sh("runc --root /run/containerd/runc/" + node.namespace() + " delete --force old");
    }
}
