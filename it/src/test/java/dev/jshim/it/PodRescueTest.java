package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.jshim.proto.cri.ContainerState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Pods of a node that was upgraded without us: CRI says that all of them have ended, while their processes run on. */
@ParameterizedClass(name = "from containerd {0}")
@MethodSource("oldReleases")
class PodRescueTest extends PodScenario {
    PodRescueTest(Release old) {
        super(old);
    }

    @Test
    void allComeBack() throws IOException {
        String counter = counter(web, 0);
        String ending = container(web, waiting(web, "ending", "exit 7"));
        String ended = container(web, waiting(web, "ended", "exit 8"));
        String cat = container(host, Cri.container(host, "cat", 0, "/bin/cat").setStdin(true));
        String address = cri.status(web).getNetwork().getIp();
        handlersAreMissed();
        upgradeWithoutUs();
        for (String lost : List.of(counter, ending, cat)) {
            assertThat(cri.status(lost).getState()).isEqualTo(ContainerState.CONTAINER_EXITED);
            assertThat(cri.status(lost).getExitCode()).isEqualTo(255);
        }
        assertThat(List.of(web, host)).noneMatch(this::isReady);
        assertThat(List.of("web", "host", "counter", "cat"))
                .allMatch(name -> init(name).alive());
        go("ended");
        Wait.until("end of a container", () -> !init("ended").alive());

        Outcome plan = Product.ctl(node, "migrate", "rescue", "-o", "json").ok();
        assertThat(results(plan)).hasSize(6).containsEntry(web.id(), "adopt").containsEntry(counter, "adopt");
        assertThat(reason(plan, counter)).contains("rescue repairs that").doesNotContain("LOST");
        assertThat(node.state().resolve("jshim")).as("only looked").doesNotExist();
        rescue().ok();

        assertReady(web, host);
        assertRunning(counter, ending, cat);
        assertThat(cri.status(web).getNetwork().getIp()).isNotEmpty().isEqualTo(address);
        assertThat(node.root().resolve("jshim/cri-status").resolve(counter))
                .content()
                .contains("\"ExitCode\":255");
        web.log("counter", 0).assertCounts();
        assertThat(cri.execSync(counter, "/bin/sh", "-c", "echo in; exit 3").getExitCode())
                .isEqualTo(3);
        try (CriStream attached = cri.attach(cat, false)) {
            attached.ask("to the cat", "to the cat");
        }
        assertThat(cri.stats(counter).getMemory().getWorkingSetBytes().getValue())
                .isPositive();
        go("ending");
        assertThat(exited(ending).getExitCode()).isEqualTo(7);
        assertThat(exited(ended).getExitCode())
                .as("it ended while nobody looked")
                .isEqualTo(8);
        assertThat(results(Product.ctl(node, "migrate", "rescue", "-o", "json").ok()))
                .isEmpty();

        killDaemon();
        startDaemon();
        assertReady(web, host);
        assertRunning(counter, cat);
        cri.stop(counter, 20);
        assertThat(exited(counter).getExitCode()).isEqualTo(42);
        web.log("counter", 0).assertGapless();
        cri.remove(counter);
        removeAll(web, host);
    }

    /** What 2.x was told to delete meanwhile is gone for good, and is said before anything is touched. */
    @Test
    void whatIsBeyondIsSaid() {
        String removed = container(web, Cri.container(web, "removed", 0, "/bin/sleep", "1000000"));
        String beside = container(web, Cri.container(web, "beside", 0, "/bin/sleep", "1000000"));
        String cat = container(host, Cri.container(host, "cat", 0, "/bin/cat").setStdin(true));
        upgradeWithoutUs();
        cri.remove(removed);
        cri.stop(web);

        Outcome plan = Product.ctl(node, "migrate", "rescue", "-o", "json").expect(3);
        assertThat(results(plan))
                .containsEntry(removed, "beyond")
                .containsEntry(web.id(), "adopt")
                .containsEntry(beside, "adopt")
                .containsEntry(cat, "adopt");
        assertThat(reason(plan, removed))
                .contains("deleted its record", Long.toString(init("removed").pid()));
        assertThat(reason(plan, web.id())).contains("LOST for good: its network");
        assertThat(reason(plan, beside)).contains("LOST for good: its network");
        assertThat(reason(plan, cat)).doesNotContain("LOST");
        assertThat(node.state().resolve("jshim")).as("only looked").doesNotExist();
        assertThat(rescue().expect(3).out()).contains("beyond");

        assertReady(host);
        assertRunning(cat, beside);
        assertThat(init("removed").alive()).as("left alone").isTrue();
        long shim = init("removed").parent();
        Signal.KILL.to(shim);
        Signal.KILL.to(init("removed").pid());
        Wait.until("it is gone", () -> !init("removed").alive());
        clear(removed);
        node.forgiveStaleSockets();
        removeAll(web, host);
    }

    /** A rescue that was killed is run again, whatever it had come to. */
    @Test
    @LongRun
    void interrupted() {
        String cat = container(host, Cri.container(host, "cat", 0, "/bin/cat").setStdin(true));
        upgradeWithoutUs();
        Outcome killed = rescue("JSHIM_JAVA_OPTS=-Djshim.fault=rescue-adopted:1:halt");
        killed.expect(137);
        assertThat(results(Product.ctl(node, "migrate", "rescue", "-o", "json").ok()))
                .containsEntry(cat, "repair");
        killed = rescue("JSHIM_JAVA_OPTS=-Djshim.fault=rescue-repaired:1:halt");
        killed.expect(137);
        assertThat(node.ctrIn("k8s.io", "version").code()).as("stopped").isNotZero();
        rescue().ok();

        assertReady(web, host);
        assertRunning(cat);
        removeAll(web, host);
    }

    private void upgradeWithoutUs() {
        stopDaemon();
        startDaemon(Release.V2);
    }

    private Outcome rescue(String... wrapper) {
        try (var service = new ServiceCommands(node, node::stop, node::start)) {
            Outcome outcome = Product.ctl(
                    node,
                    List.of(wrapper),
                    "--timeout",
                    "30s",
                    "migrate",
                    "rescue",
                    "--yes",
                    "--stop",
                    service.stop(),
                    "--start",
                    service.start());
            if (outcome.code() != 137) {
                connect();
            }
            return outcome;
        }
    }

    /** A configuration of 2.x that lacks a handler is found out before, by a real 2.x. */
    private void handlersAreMissed() throws IOException {
        Path file = node.dir().resolve("lacking.toml");
        Files.writeString(file, """
                version = 3
                [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
                  runtime_type = 'io.containerd.runc.v2'
                """);
        String program = Release.V2.daemon().toString();
        Outcome lacking = Product.ctl(
                        node,
                        "migrate",
                        "plan",
                        "-o",
                        "json",
                        "--new-containerd",
                        program,
                        "--new-config",
                        file.toString())
                .expect(3);
        assertThat(configuration(lacking))
                .singleElement()
                .satisfies(finding -> assertThat(finding.get("why").getAsString())
                        .contains("default/host")
                        .doesNotContain("default/web"));
        // The file that the old daemon has names the handler, with the v1 runtime: which we have.
        assertThat(configuration(Product.ctl(node, "migrate", "plan", "-o", "json", "--new-containerd", program)
                        .ok()))
                .isNotEmpty()
                .allMatch(finding -> finding.get("level").getAsString().equals("warning"));
    }

    private static List<JsonObject> configuration(Outcome plan) {
        return objects(plan, "configuration").toList();
    }

    private static Map<String, String> results(Outcome outcome) {
        Map<String, String> results = new TreeMap<>();
        objects(outcome, "containers")
                .forEach(row -> results.put(
                        row.get("id").getAsString(), row.get("result").getAsString()));
        return results;
    }

    private static String reason(Outcome outcome, String id) {
        return objects(outcome, "containers")
                .filter(row -> row.get("id").getAsString().equals(id))
                .map(row -> row.get("reason"))
                .filter(reason -> !reason.isJsonNull())
                .map(JsonElement::getAsString)
                .findFirst()
                .orElse("");
    }

    private static Stream<JsonObject> objects(Outcome outcome, String name) {
        return JsonParser.parseString(outcome.out()).getAsJsonObject().get(name).getAsJsonArray().asList().stream()
                .map(JsonElement::getAsJsonObject);
    }

    private void clear(String id) {
        Debris.clear(
                "k8s.io",
                id,
                node.state().resolve(Product.LEGACY).resolve("k8s.io").resolve(id),
                node.root().resolve(Product.LEGACY).resolve("k8s.io").resolve(id));
    }
}
