package dev.jshim.it.vm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.it.Outcome;
import dev.jshim.it.ProcessFacts;
import dev.jshim.it.Product;
import dev.jshim.it.Release;
import dev.jshim.it.Rootfs;
import dev.jshim.it.Run;
import dev.jshim.it.Shims;
import dev.jshim.it.Signal;
import dev.jshim.it.Wait;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Docker 28 as a unit of systemd, with its cgroup driver systemd, on the unified hierarchy: with our shim as Docker's
 * runtime, and with Docker's own.
 */
@InGuest
class DockerUnitTest {
    private static final Path BIN = Path.of(String.valueOf(System.getenv("JSHIM_DOCKERS")), "docker-28", "bin");
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String OURS = "jshim";

    /** Counts in its log, and ends with a code of its own. */
    private static final String COUNT = "trap 'exit 7' TERM; i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done";

    @SuppressWarnings("NullAway.Init") // Before all tests.
    private static NodeFacts facts;

    /** Of the container of the running test, which has its runtime's name. */
    private String scope = "";

    @BeforeAll
    static void dockerStarts() throws IOException {
        Files.createDirectories(Path.of("/etc/jshim"));
        Files.createDirectories(Path.of("/etc/docker"));
        Files.writeString(Path.of("/etc/jshim/docker.toml"), "SystemdCgroup = true\nIdleTimeout = 3\n");
        Files.writeString(Path.of("/etc/docker/daemon.json"), """
                {"exec-opts": ["native.cgroupdriver=systemd"], "live-restore": true, "storage-driver": "overlay2",
                 "bridge": "none", "iptables": false, "ip6tables": false, "ip-forward": false,
                 "runtimes": {"%s": {"runtimeType": "%s", "options": {"ConfigPath": "/etc/jshim/docker.toml"}}}}
                """.formatted(OURS, Product.RUNTIME));
        // As Debian's package has it, but for the folders.
        Files.writeString(Path.of("/run/systemd/system/docker.service"), """
                [Service]
                Type=notify
                Environment=PATH=%s:%s:%s:/usr/sbin:/usr/bin:/sbin:/bin
                ExecStart=%s/dockerd
                TimeoutStartSec=0
                Restart=always
                LimitNOFILE=infinity
                LimitNPROC=infinity
                TasksMax=infinity
                Delegate=yes
                KillMode=process
                OOMScoreAdjust=-500
                """.formatted(
                        BIN, Release.V2.folder(), Product.bin(), BIN));
        Systemd.reload();
        Systemd.systemctl("start", "docker").ok();
        assertThat(docker("info", "--format", "{{.CgroupDriver}} {{.CgroupVersion}} {{.Driver}}")
                        .ok()
                        .out())
                .isEqualTo("systemd 2 overlay2");
        assertThat(docker("info", "--format", "{{json .Runtimes}}").ok().out()).contains("\"" + OURS + "\"");
        Path rootfs = Rootfs.make(Files.createTempDirectory("image"));
        Systemd.sh("tar -C " + rootfs + " -c . | " + BIN + "/docker import - own");
        facts = NodeFacts.now();
    }

    @AfterAll
    static void nothingIsLeft() {
        facts.areBack();
        Systemd.systemctl("stop", "docker").ok();
    }

    /** Also after a test that failed in between. */
    @AfterEach
    void remove() {
        Systemd.systemctl("start", "docker").ok();
        for (String name : docker("ps", "--all", "--quiet").ok().out().lines().toList()) {
            docker("rm", "--force", name).ok();
        }
        if (!scope.isEmpty()) { // else the test failed before it had a container
            Systemd.awaitInactive(scope);
            assertThat(cgroup()).doesNotExist();
        }
    }

    private static Outcome docker(String... words) {
        return Run.of(Stream.concat(Stream.of(BIN + "/docker"), Stream.of(words))
                        .toList())
                .run();
    }

    private static String inspect(String name, String template) {
        return docker("inspect", "--format", template, name).ok().out();
    }

    private static void awaitState(String name, String state) {
        Wait.until(
                PATIENCE,
                name + " is " + state,
                () -> inspect(name, "{{.State.Status}}").equals(state));
    }

    private static ProcessFacts init(String name) {
        return ProcessFacts.of(Long.parseLong(inspect(name, "{{.State.Pid}}")));
    }

    private Path cgroup() {
        return Path.of("/sys/fs/cgroup/system.slice", scope);
    }

    private void run(String runtime, List<String> flags, String script) {
        List<String> words =
                new ArrayList<>(List.of("run", "-d", "--network=none", "--name=" + runtime, "--runtime=" + runtime));
        words.addAll(flags);
        words.addAll(List.of("own", "/bin/sh", "-c", script));
        docker(words.toArray(String[]::new)).ok();
        scope = "docker-" + inspect(runtime, "{{.Id}}") + ".scope";
    }

    @ParameterizedTest
    @ValueSource(strings = {OURS, "runc"})
    void runs(String runtime) throws IOException {
        Outcome foreground = docker(
                "run", "--rm", "--network=none", "--runtime=" + runtime, "own", "/bin/sh", "-c", "echo out; exit 3");
        assertThat(foreground.expect(3).out()).isEqualTo("out");

        run(runtime, List.of("-m", "64m"), "while :; do sleep 0.1; done");
        ProcessFacts init = init(runtime);
        assertThat(Systemd.cgroup(init.pid())).isEqualTo(cgroup());
        assertThat(Systemd.isActive(scope)).isTrue();
        assertThat(Systemd.property(scope, "MemoryMax")).isEqualTo("67108864");
        docker("exec", runtime, "/bin/sh", "-c", "exit 7").expect(7);
        Outcome said = Run.of(List.of(BIN + "/docker", "exec", "-i", runtime, "/bin/cat"))
                .echoed("said\n".getBytes(StandardCharsets.UTF_8))
                .run();
        assertThat(said.ok().out()).isEqualTo("said");
        assertThat(docker("top", runtime, "-o", "pid,args").ok().out()).containsPattern("(?m)^" + init.pid() + " ");
        String format = "{{.CPUPerc}} {{.MemUsage}} {{.MemPerc}} {{.PIDs}}";
        assertThat(docker("stats", "--no-stream", "--format", format, runtime)
                        .ok()
                        .out())
                .as("no zero")
                .matches("[0-9.]*[1-9][0-9.]*% [1-9][0-9.]*[KM]iB / 64MiB [0-9.]*[1-9][0-9.]*% [1-9]\\d*");
        docker("pause", runtime).ok();
        assertThat(cgroup().resolve("cgroup.events")).content().contains("frozen 1\n");
        docker("unpause", runtime).ok();
        assertThat(cgroup().resolve("cgroup.events")).content().contains("frozen 0\n");
    }

    /** The new limits stay when all of systemd's units are read again. */
    @ParameterizedTest
    @ValueSource(strings = {OURS, "runc"})
    void updated(String runtime) {
        run(runtime, List.of("-m", "64m"), "sleep 100000");

        docker("update", "-m", "32m", "--memory-swap", "32m", "--pids-limit", "50", "--cpus", "0.5", runtime)
                .ok();

        assertThat(Systemd.property(scope, "MemoryMax")).isEqualTo("33554432");
        Systemd.reload();
        assertThat(cgroup().resolve("memory.max")).content().isEqualTo("33554432\n");
        assertThat(cgroup().resolve("pids.max")).content().isEqualTo("50\n");
        assertThat(cgroup().resolve("cpu.max")).content().isEqualTo("50000 100000\n");
    }

    /**
     * Of init itself only the exit code is certain, under either runtime: systemd removes the scope with its last
     * process, and who reads the kernel's count after that finds none.
     */
    @ParameterizedTest
    @ValueSource(strings = {OURS, "runc"})
    void memoryEnds(String runtime) {
        List<String> little = List.of("-m", "32m", "--memory-swap", "32m");
        String greedy = "busybox tail -c 128m /dev/zero >/dev/null";
        run(runtime, little, greedy + "; until [ -e /go ]; do sleep 0.1; done; exit 2");
        Wait.until(
                PATIENCE,
                "it is told",
                () -> inspect(runtime, "{{.State.OOMKilled}}").equals("true"));
        docker("exec", runtime, "/bin/sh", "-c", ">/go").ok();
        awaitState(runtime, "exited");
        assertThat(inspect(runtime, "{{.State.ExitCode}} {{.State.OOMKilled}}")).isEqualTo("2 true");
        String until = Long.toString(System.currentTimeMillis() / 1000 + 1);
        assertThat(docker(
                                "events",
                                "--since=1",
                                "--until=" + until,
                                "--filter=container=" + runtime,
                                "--format={{.Action}}")
                        .ok()
                        .out()
                        .lines())
                .contains("oom");
        docker("rm", runtime).ok();

        run(runtime, little, "exec " + greedy);
        awaitState(runtime, "exited");
        assertThat(inspect(runtime, "{{.State.ExitCode}}")).isEqualTo("137");
        System.out.println(
                "note: OOMKilled of init under " + runtime + ": " + inspect(runtime, "{{.State.OOMKilled}}"));
    }

    @ParameterizedTest
    @ValueSource(strings = {OURS, "runc"})
    void stops(String runtime) {
        run(runtime, List.of(), COUNT);

        docker("stop", "--time=60", runtime).ok();

        assertThat(inspect(runtime, "{{.State.ExitCode}} {{.State.OOMKilled}}")).isEqualTo("7 false");
        Systemd.awaitInactive(scope);
        docker("start", runtime).ok();
        assertThat(Systemd.isActive(scope)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {OURS, "runc"})
    void liveRestore(String runtime) {
        run(runtime, List.of(), COUNT);
        ProcessFacts init = init(runtime);

        Systemd.systemctl("restart", "docker").ok();
        countsOn(runtime, init);

        Systemd.systemctl("kill", "--signal=KILL", "--kill-whom=main", "docker").ok();
        Wait.until(PATIENCE, "Docker answers", () -> docker("version").code() == 0);
        countsOn(runtime, init);
        assertThat(Systemd.isActive(scope)).isTrue();
        docker("stop", "--time=60", runtime).ok();
        assertThat(inspect(runtime, "{{.State.ExitCode}} {{.RestartCount}}")).isEqualTo("7 0");
    }

    @Test
    void jvmDies() {
        run(OURS, List.of(), COUNT);
        ProcessFacts init = init(OURS);
        long keeper = init.parent();
        ProcessFacts jvm = ProcessFacts.of(Shims.jvm(keeper));

        Signal.KILL.to(jvm.pid());

        Wait.until(PATIENCE, "another JVM", () -> Shims.jvm(keeper) != 0 && Shims.jvm(keeper) != jvm.pid());
        countsOn(OURS, init);
        docker("update", "-m", "32m", "--memory-swap", "32m", OURS).ok();
        assertThat(cgroup().resolve("memory.max")).content().isEqualTo("33554432\n");
        docker("stop", "--time=60", OURS).ok();
        assertThat(inspect(OURS, "{{.State.ExitCode}}")).isEqualTo("7");
    }

    /** It is the same process, writes on, and takes an exec. */
    private static void countsOn(String name, ProcessFacts init) {
        Wait.until(
                PATIENCE,
                name + " is listed as running",
                () -> docker("inspect", "--format={{.State.Status}}", name)
                        .out()
                        .equals("running"));
        assertThat(init(name)).isEqualTo(init);
        long before = lines(name);
        Wait.until(name + " writes on", () -> lines(name) > before);
        docker("exec", name, "/bin/sh", "-c", "exit 5").expect(5);
    }

    private static long lines(String name) {
        return docker("logs", name).ok().out().lines().count();
    }
}
