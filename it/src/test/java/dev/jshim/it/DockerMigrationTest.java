package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Containers that Docker 20.10 runs on v1 shims, carried to a newer Docker on containerd 2.x while they run. The step
 * by step of docs/migration.md for a node with Docker.
 */
class DockerMigrationTest {
    private static final String[] SLEEP = {"/bin/sleep", "100000"};

    /** The new Docker, and whether dockerd starts its containerd itself, as both did. */
    static Stream<Arguments> ways() {
        Stream<Arguments> usual = Stream.of(Arguments.of(DockerRelease.V28, true));
        return Boolean.getBoolean("jshim.test.all")
                ? Stream.concat(
                        usual,
                        Stream.of(
                                Arguments.of(DockerRelease.V28, false),
                                Arguments.of(DockerRelease.V26, true),
                                Arguments.of(DockerRelease.V26, false)))
                : usual;
    }

    @ParameterizedTest(name = "to Docker {0}, its own containerd {1}")
    @MethodSource("ways")
    void theWholeWay(DockerRelease to, boolean own) throws Exception {
        try (PrivateDocker docker = old(own)) {
            DockerCounter counter = DockerCounter.start(docker, Product.LEGACY, "counter");
            DockerCounter second = DockerCounter.start(docker, Product.LEGACY, "second", "--network=host");
            DockerCounter third = DockerCounter.start(docker, Product.LEGACY, "third", "--restart=always");
            DockerCounter beside = DockerCounter.start(docker, "runc", "beside");
            docker.run("terminal", List.of("-it", "--runtime=" + Product.LEGACY), "/bin/cat");
            docker.run(
                    "well",
                    List.of("--runtime=" + Product.LEGACY, "--health-cmd=cat /tmp/well", "--health-interval=1s"),
                    SLEEP);
            ProcessFacts terminal = docker.init("terminal");
            docker.run("before", List.of("--runtime=" + Product.LEGACY), "/bin/sh", "-c", "echo $$; exit 3");
            assertThat(docker.exitOf("before")).isEqualTo(3);

            ctl(docker, "migrate", "apply", "--yes").ok();
            DockerCounter.whileHeld(
                    () -> {
                        docker.docker("pause", "second").ok();
                        docker.stop();
                    },
                    counter,
                    second,
                    third,
                    beside);
            docker.node().stop();
            assertThat(ctl(docker, "migrate", "apply", "--yes").ok().out()).doesNotContain("adopted  ");
            ctl(docker, "migrate", "verify").ok();
            ctl(docker, "bridge", "verify").ok();
            asAnOlderDockerWroteIt(docker, third);
            docker.install(to, Release.V2);
            docker.start();

            assertThat(docker.status("second")).isEqualTo("paused");
            docker.docker("unpause", "second").ok();
            for (DockerCounter each : List.of(counter, second, third, beside)) {
                each.goesOn();
            }
            assertThat(docker.init("terminal")).isEqualTo(terminal);
            assertThat(docker.clientOnTerminal("attach", "--detach-keys=ctrl-x,x", "terminal")
                            .talk(List.of(Turn.first("said"), new Turn("said\r\nsaid", "\u0018x")))
                            .run()
                            .out())
                    .contains("said");
            assertThat(docker.docker("stats", "--no-stream", "--format={{.PIDs}} {{.MemUsage}}", "second")
                            .ok()
                            .out())
                    .matches("[1-9].* [1-9][0-9.]*[KM]iB / .*");
            assertThat(docker.docker("top", "counter").ok().out())
                    .contains("" + counter.init().pid());
            docker.docker("exec", "well", "/bin/sh", "-c", "echo >/tmp/well").ok();
            Wait.until(
                    "it is well",
                    () -> docker.inspect("well", "{{.State.Health.Status}}").equals("healthy"));

            killBridge(docker);
            counter.goesOn();
            DockerCounter.whileHeld(docker::kill9, counter, second, third, beside);
            docker.startDocker();
            second.goesOn();

            counter.stop();
            docker.docker("start", "counter").ok();
            docker.docker("exec", "counter", "/bin/sh", "-c", "exit 4").expect(4);
            assertThat(shim(docker, "counter")).contains(Product.home().toString());
            docker.docker("restart", "--time=30", "second").ok();
            docker.docker("exec", "second", "/bin/sh", "-c", "exit 4").expect(4);
            assertThat(docker.docker("start", "-a", "before").expect(3).out()).contains("1");
            Signal.KILL.to(third.init().pid());
            Wait.until(
                    "it was started again",
                    () -> docker.inspect("third", "{{.RestartCount}} {{.State.Status}}")
                            .equals("1 running"));
            assertThat(shim(docker, "third")).contains("containerd-shim-runc-v2");

            // Whoever has this in daemon.json needs nothing of ours for the next start of such a container.
            docker.set("runtimes", "{\"" + Product.LEGACY + "\": {\"runtimeType\": \"io.containerd.runc.v2\"}}");
            DockerCounter.whileHeld(docker::stop, beside);
            docker.startDocker();
            docker.docker("restart", "--time=30", "counter").ok();
            assertThat(shim(docker, "counter")).contains("containerd-shim-runc-v2");

            docker.docker("rm", "-f", "counter", "second", "third", "terminal", "well", "before")
                    .ok();
            beside.goesOn();
            ctl(docker, "migrate", "finish", "--yes").ok();
            beside.stop();
            docker.docker("rm", "beside").ok();
            docker.finish();
        }
    }

    @LongRun
    @ParameterizedTest(name = "from Docker {0}, its own containerd {1}")
    @MethodSource("ways")
    void andBack(DockerRelease to, boolean own) throws Exception {
        try (PrivateDocker docker = old(own)) {
            DockerCounter counter = DockerCounter.start(docker, Product.LEGACY, "counter");
            DockerCounter second = DockerCounter.start(docker, Product.LEGACY, "second");
            assertThat(ctl(docker, "migrate", "plan").ok().err()).contains("live-restore on");
            docker.set("live-restore", "false").reload();
            Wait.until(
                    "the plan knows that it is off",
                    () -> ctl(docker, "migrate", "plan").code() == 3);
            assertThat(ctl(docker, "migrate", "plan").err())
                    .contains("apply would refuse: dockerd", "live-restore off");
            assertThat(ctl(docker, "check").expect(3).out())
                    .contains("error: live-restore: dockerd", "live-restore off");
            assertThat(ctl(docker, "migrate", "apply", "--yes").expect(1).err()).contains("nothing was changed");
            docker.set("live-restore", "true").reload();
            Wait.until(
                    "the plan knows that it is on",
                    () -> ctl(docker, "migrate", "plan").code() == 0);
            DockerCounter.whileHeld(docker::stop, counter, second);
            docker.node().stop();
            ctl(docker, "migrate", "apply", "--yes").ok();
            docker.install(to, Release.V2);
            docker.start();
            counter.goesOn();
            second.stop();
            docker.docker("start", "second").ok();

            DockerCounter.whileHeld(docker::stop, counter);
            docker.node().stop();
            Outcome refused = ctl(docker, "migrate", "rollback", "--yes");
            assertThat(refused.code()).isNotZero();
            assertThat(refused.err()).contains("under the name of the v1 runtime");
            docker.start();
            docker.docker("stop", "--time=30", "second").ok();
            DockerCounter.whileHeld(docker::stop, counter);
            docker.node().stop();
            ctl(docker, "migrate", "rollback", "--yes").ok();
            docker.install(DockerRelease.V20, Release.V1_6);
            docker.start();

            counter.goesOn();
            docker.docker("start", "second").ok();
            docker.docker("exec", "second", "/bin/sh", "-c", "exit 4").expect(4);
            counter.stop();
            docker.docker("rm", "-f", "counter", "second").ok();
            docker.finish();
        }
    }

    /** Its records name no v1 runtime, so the next start of such a container is Docker's own affair. */
    @LongRun
    @ParameterizedTest(name = "its own containerd {0}, and back {1}")
    @CsvSource({"true, false", "false, true"})
    void fromADockerThatHadNoOther(boolean own, boolean back) throws Exception {
        try (PrivateDocker docker = old(DockerRelease.V19, own)) {
            DockerCounter counter = DockerCounter.start(docker, "runc", "counter");
            DockerCounter second = DockerCounter.start(docker, "runc", "second", "--network=host", "-m=64m");
            docker.run("well", List.of("--health-cmd=cat /tmp/well", "--health-interval=1s"), SLEEP);
            assertThat(shim(docker, "counter")).contains("containerd-shim -namespace");
            assertThat(ctl(docker, "migrate", "plan").ok().err()).contains("live-restore on");
            ctl(docker, "migrate", "apply", "--yes").ok();
            DockerCounter.whileHeld(docker::stop, counter, second);
            docker.node().stop();
            ctl(docker, "migrate", "apply", "--yes").ok();
            ctl(docker, "migrate", "verify").ok();
            docker.install(DockerRelease.V28, Release.V2);
            docker.start();

            counter.goesOn();
            second.goesOn();
            assertThat(docker.docker("stats", "--no-stream", "--format={{.PIDs}} {{.MemUsage}}", "second")
                            .ok()
                            .out())
                    .matches("[1-9].* [1-9][0-9.]*[KM]iB / 64MiB");
            docker.docker("exec", "well", "/bin/sh", "-c", "echo >/tmp/well").ok();
            Wait.until(
                    "it is well",
                    () -> docker.inspect("well", "{{.State.Health.Status}}").equals("healthy"));
            killBridge(docker);
            counter.goesOn();
            counter.stop();
            docker.docker("start", "counter").ok();
            assertThat(shim(docker, "counter")).contains("containerd-shim-runc-v2");

            if (back) {
                docker.docker("stop", "--time=30", "counter").ok();
                DockerCounter.whileHeld(docker::stop, second);
                docker.node().stop();
                ctl(docker, "migrate", "rollback", "--yes").ok();
                docker.install(DockerRelease.V19, Release.V1_6);
                docker.start();
                second.goesOn();
                docker.docker("start", "counter").ok();
                assertThat(shim(docker, "counter")).contains("containerd-shim -namespace");
            }
            second.stop();
            docker.docker("rm", "-f", "counter", "second", "well").ok();
            if (!back) {
                ctl(docker, "migrate", "finish", "--yes").ok();
            }
            docker.finish();
        }
    }

    /** With Docker's bridge and a port that it publishes, before and after. */
    @LongRun
    @Test
    void aPublishedPort() throws IOException {
        assumeTrue(Files.exists(Path.of("/usr/sbin/iptables")), "Docker makes no bridge without iptables");
        Product.home();
        try (PrivateDocker docker = PrivateDocker.create(DockerRelease.V20, Release.V1_6, true)
                .withNetwork()
                .set("live-restore", "true")
                .start()) {
            serve(docker, Product.LEGACY, "web", 8080);
            ProcessFacts init = docker.init("web");
            docker.stop();
            ctl(docker, "migrate", "apply", "--yes").ok();
            docker.install(DockerRelease.V28, Release.V2);
            docker.start();

            assertServed(docker, "web", 8080);
            assertThat(docker.init("web")).isEqualTo(init);
            assertThat(docker.docker("stats", "--no-stream", "--format={{.NetIO}}", "web")
                            .ok()
                            .out())
                    .matches("[1-9].* / [1-9].*");
            docker.docker("restart", "--time=1", "web").ok();
            assertServed(docker, "web", 8080);
            serve(docker, PrivateDocker.JSHIM, "ours", 8081);

            docker.docker("rm", "-f", "web", "ours").ok();
            ctl(docker, "migrate", "finish", "--yes").ok();
            docker.finish();
        }
    }

    private static void serve(PrivateDocker docker, String runtime, String name, int port) {
        List<String> flags = List.of("--runtime=" + runtime, "--network=bridge", "--publish=" + port + ":80");
        docker.run(name, flags, "/bin/busybox", "httpd", "-f", "-h", "/etc");
        assertServed(docker, name, port);
    }

    /** Its page is the name that Docker has given its host. */
    private static void assertServed(PrivateDocker docker, String name, int port) {
        String host = docker.inspect(name, "{{.Config.Hostname}}");
        String page = "http://127.0.0.1:" + port + "/hostname";
        Wait.until(
                name + " is served",
                () -> docker.inNetwork("busybox", "wget", "-qO-", page).out().equals(host));
    }

    /** Docker and its containerd exchanged by {@code apply --restart}, once with a change that fails. */
    @LongRun
    @Test
    void inOneGo() throws IOException {
        try (PrivateDocker docker = old(true)) {
            DockerCounter counter = DockerCounter.start(docker, Product.LEGACY, "counter");
            Path start = docker.node().dir().resolve("start");
            String to = "ln -sfn " + docker.startScript() + " " + start;
            docker.install(DockerRelease.V28, Release.V2);
            String change = "ln -sfn " + docker.startScript() + " " + start;
            String stop = "pid=$(cat " + docker.pidFile()
                    + ") || exit 0; kill $pid; while kill -0 $pid 2>/dev/null; do sleep 0.1; done";

            docker.install(DockerRelease.V20, Release.V1_6);
            DockerCounter.whileHeld(
                    () -> assertThat(restart(docker, stop, change + "; false", to)
                                    .expect(1)
                                    .err())
                            .contains("everything is as it was before: the old containerd runs"),
                    counter);
            docker.takeOver();
            assertThat(docker.docker("version", "--format={{.Server.Version}}")
                            .ok()
                            .out())
                    .startsWith("20.10.");
            counter.goesOn();

            DockerCounter.whileHeld(() -> restart(docker, stop, change, to).ok(), counter);
            docker.install(DockerRelease.V28, Release.V2);
            docker.takeOver();
            assertThat(docker.docker("version", "--format={{.Server.Version}}")
                            .ok()
                            .out())
                    .startsWith("28.");
            counter.goesOn();
            counter.stop();
            docker.docker("rm", "counter").ok();
            ctl(docker, "migrate", "finish", "--yes").ok();
            docker.finish();
        }
    }

    private static Outcome restart(PrivateDocker docker, String stop, String change, String undo) {
        String start = "sh " + docker.node().dir().resolve("start");
        return ctl(
                docker,
                "migrate",
                "apply",
                "--yes",
                "--stop",
                stop,
                "--start",
                start,
                "--restart",
                change,
                "--undo",
                undo);
    }

    private static PrivateDocker old(boolean own) {
        return old(DockerRelease.V20, own);
    }

    private static PrivateDocker old(DockerRelease release, boolean own) {
        Product.home();
        return PrivateDocker.create(release, Release.V1_6, own)
                .set("live-restore", "true")
                .start();
    }

    /** As somebody who looks after the node calls it: Docker's containerd is named by its own file. */
    private static Outcome ctl(PrivateDocker docker, String... args) {
        if (!docker.startsContainerd()) {
            return Product.ctl(docker.node(), args);
        }
        List<String> command = new ArrayList<>(List.of(
                Product.bin().resolve("jshimctl").toString(),
                "--config",
                docker.execRoot().resolve("containerd/containerd.toml").toString()));
        command.addAll(List.of(args));
        return Run.of(command).run();
    }

    /** Docker up to 19.03 ran what it calls runc on v1 shims, and calls it so in its records. */
    private static void asAnOlderDockerWroteIt(PrivateDocker docker, DockerCounter counter) throws IOException {
        String id;
        try (Stream<Path> all = Files.list(docker.dataRoot().resolve("containers"))) {
            Predicate<Path> named =
                    folder -> read(folder.resolve("config.v2.json")).contains("\"/" + counter.name() + "\"");
            id = all.filter(named).findFirst().orElseThrow().toString();
        }
        Path file = Path.of(id, "hostconfig.json");
        String text = read(file);
        assertThat(text).contains("\"" + Product.LEGACY + "\"");
        Files.writeString(file, text.replace("\"" + Product.LEGACY + "\"", "\"runc\""));
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void killBridge(PrivateDocker docker) {
        String status = ctl(docker, "migrate", "status", "-o", "json").ok().out();
        ProcessFacts bridge = ProcessFacts.of(JsonParser.parseString(status)
                .getAsJsonObject()
                .get("bridgePid")
                .getAsLong());
        Signal.KILL.to(bridge.pid());
        Wait.until("it is dead", () -> !bridge.alive());
    }

    /** The command line of what is the parent of a container's first process. */
    private static String shim(PrivateDocker docker, String name) {
        return read(Path.of("/proc/" + docker.init(name).parent() + "/cmdline")).replace('\0', ' ');
    }
}
