package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A running shim is replaced by one of another tree, as an upgrade does it. */
class ShimReplaceTest extends OptionScenario {
    private static final String ONE_FOR_ALL = "Grouping = \"node\"\n";

    @ParameterizedTest
    @EnumSource
    void nobodyNotices(Release release) throws Exception {
        start(release, ONE_FOR_ALL);
        DistTree newer = newer();
        EventLog events = EventLog.open(node);
        ProcessFacts shim = sleeper("idle");
        Counter counter = Counter.start(node, Product.RUNTIME, "counter");
        CompletableFuture<Outcome> execs = CompletableFuture.supplyAsync(
                () -> node.exec("idle", "waits", "/bin/sh", "-c", "until [ -e /heard ]; do sleep 0.1; done; exit 5"));
        Wait.until("the exec runs", () -> node.ctr("task", "ps", "idle").out().contains("waits"));
        JsonObject before = inspect("idle");
        assertThat(before.getAsJsonObject("keeper").get("restarts").getAsInt()).isZero();

        Outcome replaced = replace(newer, "idle").ok();

        JsonObject after = inspect("idle");
        assertThat(replaced.out()).contains("shim " + shim.pid() + ": replaced, JVM pid " + pid(after, "jvm"));
        assertThat(pid(after, "shim")).isEqualTo(shim.pid());
        assertThat(pid(after, "jvm")).isNotEqualTo(pid(before, "jvm"));
        assertThat(after.getAsJsonObject("keeper").toString())
                .isEqualTo("{\"state\":\"serving\",\"restarts\":0,\"lastDeath\":null,\"replacementFailed\":false}");
        assertThat(runsOutOf(newer, pid(after, "jvm"))).isTrue();
        Wait.until("the keeper is of the newer tree", () -> runsOutOf(newer, (int) shim.pid()));
        counter.awaitProgress();
        counter.gapless();
        assertThat(node.echo("idle", "e", "still here")).isEqualTo("still here");
        Files.createFile(Path.of("/proc/" + node.init("idle").pid() + "/root/heard"));
        assertThat(execs.get().code()).isEqualTo(5);
        assertThat(sleeper("late")).isEqualTo(shim);
        assertThat(events.exit("idle", "waits").number("exit_status")).isEqualTo(5);
        assertThat(events.exits("idle", "waits")).hasSize(1);
        assertThat(node.logText()).doesNotContain("shim disconnected", "has died");
        for (String id : List.of("late", "counter", "idle")) {
            node.remove(id);
        }
    }

    /** Calls that fall into one replacement after the other are all answered. */
    @ParameterizedTest
    @EnumSource(names = "V2")
    void callsAreAnsweredMeanwhile(Release release) {
        start(release, ONE_FOR_ALL);
        DistTree newer = newer();
        sleeper("idle");
        CompletableFuture<Void> replacing = CompletableFuture.runAsync(() -> {
            for (DistTree tree : List.of(newer, DistTree.built(), newer)) {
                replace(tree, "idle").ok();
            }
        });

        for (int i = 0; !replacing.isDone(); i++) {
            assertThat(node.echo("idle", "e" + i, "number " + i)).isEqualTo("number " + i);
        }

        replacing.join();
        assertThat(node.logText()).doesNotContain("shim disconnected");
        node.remove("idle");
    }

    @ParameterizedTest
    @EnumSource(names = "V2")
    void oneThatDoesNotComeUp(Release release) throws Exception {
        start(release, ONE_FOR_ALL);
        DistTree broken = newer();
        Path program = broken.bin("containerd-shim-v2-oci");
        Files.delete(program);
        Files.writeString(program, "#!/bin/sh\nexit 3\n");
        assertThat(program.toFile().setExecutable(true)).isTrue();
        ProcessFacts shim = sleeper("one");

        Outcome replaced = replace(broken, "one").expect(1);

        assertThat(replaced.err()).contains("shim " + shim.pid() + ": the new JVM did not come up");
        JsonObject after = inspect("one");
        assertThat(after.getAsJsonObject("keeper").get("replacementFailed").getAsBoolean())
                .isTrue();
        assertThat(runsOutOf(DistTree.built(), pid(after, "jvm"))).isTrue();
        assertThat(node.echo("one", "e", "still here")).isEqualTo("still here");
        Wait.until("the log says so", () -> node.logText().contains("did not come up; the previous one continues"));
        assertThat(node.logText()).doesNotContain("shim disconnected");
        node.remove("one");
    }

    /** The notes are of a newer version than this tree's: it says so, and touches nothing. */
    @ParameterizedTest
    @EnumSource(names = "V2")
    void notesThatAreNotUnderstood(Release release) throws Exception {
        start(release, ONE_FOR_ALL);
        ProcessFacts shim = sleeper("one");
        ProcessFacts init = node.init("one");
        Path note = Path.of(bundleFile("one", "address").strip().substring("unix://".length()))
                .resolveSibling("shim");
        String text = Files.readString(note);
        Files.writeString(note, text.replace("version 1\n", "version 2\n"));

        Signal.KILL.to(pid(inspect("one"), "jvm"));

        Wait.until("ls says so", () -> {
            Outcome ls = Product.ctl(node, "--timeout", "200ms", "ls");
            return ls.out().contains("restarting") && ls.err().contains("the shim's JVM dies again and again");
        });
        assertThat(node.logText()).contains("install the newer jshim again");
        assertThat(shim.alive()).isTrue();
        assertThat(init.alive()).isTrue();
        Files.writeString(note, text);
        Wait.until(
                Duration.ofSeconds(60),
                "a JVM that understands them goes on",
                () -> Product.ctl(node, "--timeout", "200ms", "ls").out().contains(" ok"));
        assertThat(node.echo("one", "e", "still here")).isEqualTo("still here");
        node.remove("one");
    }

    /** Another tree, as an upgrade lays it beside the one that runs: its first start has been made. */
    private DistTree newer() {
        DistTree tree = DistTree.built().copyTo(node.dir().resolve("newer"));
        Launched.run(
                        node.dir(),
                        Map.of(),
                        List.of(tree.bin("containerd-shim-v2-oci").toString(), "-v"))
                .result();
        return tree;
    }

    private Outcome replace(DistTree tree, String... ids) {
        List<String> command = new ArrayList<>(List.of(
                tree.bin("jshimctl").toString(),
                "--root",
                node.root().toString(),
                "--state",
                node.state().toString(),
                "shim",
                "replace"));
        command.addAll(List.of(ids));
        return Run.of(command).run();
    }

    private JsonObject inspect(String id) {
        return JsonParser.parseString(
                        Product.ctl(node, "inspect", id, "-o", "json").ok().out())
                .getAsJsonObject();
    }

    private static int pid(JsonObject report, String process) {
        return report.getAsJsonObject(process).get("pid").getAsInt();
    }

    private static boolean runsOutOf(DistTree tree, int pid) {
        try {
            return Path.of("/proc/" + pid + "/exe")
                    .toRealPath()
                    .startsWith(tree.home().toRealPath());
        } catch (IOException e) {
            return false;
        }
    }
}
