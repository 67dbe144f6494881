package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The Ansible role on a host with Docker, and the report of a fleet before and after. */
@LongRun
class FleetDockerTest {
    private PrivateDocker docker;
    private JsonObject host;

    FleetDockerTest() {
        docker = PrivateDocker.create(DockerRelease.V20, Release.V1_6, true).set("live-restore", "true");
        host = new JsonObject();
    }

    private Path dir() {
        return docker.node().dir();
    }

    private void describe() {
        Path start = dir().resolve("start");
        docker.install(DockerRelease.V28, Release.V2);
        String change = "ln -sfn " + docker.startScript() + " " + start;
        docker.install(DockerRelease.V20, Release.V1_6);
        String undo = "ln -sfn " + docker.startScript() + " " + start;
        host = Play.here(dir());
        host.addProperty("jshim_migrate_home", Product.home().toString());
        host.addProperty("jshim_migrate_root", docker.dataRoot() + "/containerd/daemon");
        host.addProperty("jshim_migrate_state", docker.execRoot() + "/containerd/daemon");
        host.addProperty("jshim_migrate_address", docker.execRoot() + "/containerd/containerd.sock");
        host.addProperty("jshim_migrate_timeout", "20s");
        host.addProperty(
                "jshim_migrate_stop",
                "pid=$(cat " + docker.pidFile()
                        + ") || exit 0; kill $pid; while kill -0 $pid 2>/dev/null; do sleep 0.1; done");
        host.addProperty("jshim_migrate_start", "sh " + start);
        host.addProperty("jshim_migrate_change", change);
        host.addProperty("jshim_migrate_undo", undo);
        host.addProperty("jshim_migrate_health", "exit 7");
        host.addProperty("jshim_migrate_health_tries", 1);
    }

    private Play play() {
        JsonObject hosts = new JsonObject();
        hosts.add("docker", host);
        JsonObject none = Play.here(dir());
        none.addProperty("jshim_migrate_home", dir() + "/nowhere");
        hosts.add("none", none);
        JsonObject away = new JsonObject();
        away.addProperty("ansible_ssh_executable", "/bin/false");
        hosts.add("away", away);
        return new Play(dir(), hosts);
    }

    private JsonArray report() throws IOException {
        Path file = dir().resolve("report.json");
        play().run("report.yml", "jshim_report_file=" + file).ok();
        return JsonParser.parseString(Files.readString(file)).getAsJsonArray();
    }

    private static JsonObject line(JsonArray report, String node) {
        return report.asList().stream()
                .map(row -> row.getAsJsonObject())
                .filter(row -> row.get("node").getAsString().equals(node))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void migratedByTheRole() throws IOException {
        Product.home();
        try (PrivateDocker _ = docker.start()) {
            DockerCounter counter = DockerCounter.start(docker, Product.LEGACY, "counter");
            DockerCounter second = DockerCounter.start(docker, Product.LEGACY, "second");
            describe();

            JsonArray before = report();
            assertThat(before).hasSize(3);
            assertThat(line(before, "docker").get("state").getAsString()).isEqualTo("not ready");
            // Those of every containerd of the machine.
            assertThat(line(before, "docker").get("v1_left").getAsInt()).isGreaterThanOrEqualTo(2);
            assertThat(line(before, "docker").get("containerd").getAsString()).startsWith("1.6.");
            assertThat(line(before, "none").get("state").getAsString()).isEqualTo("no jshim");
            assertThat(line(before, "away").get("state").getAsString()).isEqualTo("unreachable");

            // Its operator says that it is not healthy: it is taken back.
            Outcome sick = play().run("migrate.yml", "jshim_max_failed=0", "--limit", "docker");
            assertThat(sick.expect(2).out()).contains("this node is as it was before; Ask whether the node is healthy");
            docker.takeOver();
            assertThat(version()).startsWith("20.10.");
            counter.goesOn();

            host.addProperty("jshim_migrate_health", "true");
            play().run("migrate.yml", "jshim_max_failed=0", "--limit", "docker").ok();
            docker.install(DockerRelease.V28, Release.V2);
            docker.takeOver();
            assertThat(version()).startsWith("28.");
            counter.goesOn();
            second.goesOn();
            assertThat(line(report(), "docker").get("containerd").getAsString()).startsWith("2.");
            assertThat(ctl("metrics").ok().out()).endsWith("\njshim_v1_containers_left 0.0");

            counter.stop();
            second.stop();
            docker.docker("rm", "counter", "second").ok();
            ctl("migrate", "finish", "--yes").ok();
            docker.finish();
        }
    }

    /** Docker's containerd is named by its own file. */
    private Outcome ctl(String... args) {
        List<String> command = new ArrayList<>(List.of(
                Product.bin().resolve("jshimctl").toString(),
                "--config",
                docker.execRoot().resolve("containerd/containerd.toml").toString()));
        command.addAll(List.of(args));
        return Run.of(command).run();
    }

    private String version() {
        return docker.docker("version", "--format={{.Server.Version}}").ok().out();
    }
}
