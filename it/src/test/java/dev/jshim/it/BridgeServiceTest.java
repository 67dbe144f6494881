package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** The bridge as a process that is looked at, replaced, killed and started again, with containerd 2.x above it. */
@ParameterizedClass(name = "from containerd {0}")
@MethodSource("oneRelease")
class BridgeServiceTest extends MigrationScenario {

    BridgeServiceTest(Release old) {
        super(old);
    }

    /** The old daemon has no part in it. */
    static Stream<Release> oneRelease() {
        return Stream.of(Release.V1_6);
    }

    private Outcome bridge(String... args) {
        return Product.ctl(
                node, Stream.concat(Stream.of("bridge"), Stream.of(args)).toArray(String[]::new));
    }

    private static JsonObject json(Outcome outcome) {
        return JsonParser.parseString(outcome.out()).getAsJsonObject();
    }

    /** The answers of {@code bridge verify}: whether each container answers, by id. */
    private Map<String, Boolean> answers(Outcome verify) {
        Map<String, Boolean> answers = new TreeMap<>();
        json(verify)
                .get("containers")
                .getAsJsonArray()
                .forEach(row -> answers.put(
                        row.getAsJsonObject().get("id").getAsString(),
                        row.getAsJsonObject().get("answers").getAsBoolean()));
        return answers;
    }

    /** As an apply that is killed while it starts the bridge: there is nobody to be told, and nothing to serve. */
    @Test
    void oneThatNobodyWaitsForEnds() {
        Path code = node.dir().resolve("code");
        String start = Product.bin().resolve("containerd-shim-v1-linux") + " bridge -root " + node.root() + " -state "
                + node.state() + " -address " + node.socket() + " -reply";
        String untilNobodyReads = "trap '' PIPE; while echo 2>/dev/null; do sleep 0.05; done; trap - PIPE; ";
        Run.of(List.of(
                        "/bin/sh",
                        "-c",
                        "{ " + untilNobodyReads + start + " 3>&1 >/dev/null 2>&1; echo $? >" + code + ".part; mv "
                                + code + ".part " + code + "; } | :"))
                .run()
                .ok();
        Wait.until(Duration.ofSeconds(30), "it has ended", () -> Files.exists(code));
        assertThat(code).hasContent("1");
        assertThat(node.state().resolve("jshim/bridge.sock")).doesNotExist();
        assertThat(ProcessFacts.withCommand(
                        "dev.jshim.bridge.Main bridge", node.state().toString()))
                .isEmpty();
    }

    private ProcessFacts awaitAnother(ProcessFacts before) {
        Wait.until(Duration.ofSeconds(30), "another bridge serves", () -> {
            JsonElement pid = json(bridge("status", "-o", "json")).get("pid");
            return !pid.isJsonNull() && pid.getAsLong() != before.pid();
        });
        return ProcessFacts.of(bridge());
    }

    @Test
    void startedStoppedAndVerified() {
        bridge("verify").ok();
        bridge("stop").ok();
        bridge("status").expect(3);
        ProcessFacts one = legacy("one");
        upgrade();
        assertThat(answers(bridge("verify", "-o", "json").ok())).isEqualTo(Map.of("one", true));
        assertThat(json(bridge("status", "-o", "json").ok()).get("connected").getAsInt())
                .isEqualTo(1);

        Outcome refused = bridge("stop").expect(1);
        assertReadable(refused);
        assertThat(refused.err()).contains("stop containerd first");
        assertThat(node.init("one")).isEqualTo(one);

        node.stop();
        bridge("stop").ok();
        assertThat(answers(Product.ctl(node, "--timeout", "1s", "-o", "json", "bridge", "verify")
                        .expect(3)))
                .isEqualTo(Map.of("one", false));
        assertThat(bridge("start").ok().out()).contains("started");
        assertThat(bridge("start").ok().out()).contains("runs already");
        bridge("verify").ok();
        node.start();
        assertThat(node.init("one")).isEqualTo(one);
        assertThat(one.alive()).isTrue();
        node.remove("one");
    }

    /** One of them serves. The keeper of the other one leaves the files of the first alone. */
    @Test
    void twoStartedAtOnce() throws IOException {
        ProcessFacts one = legacy("one");
        upgrade();
        node.stop();
        bridge("stop").ok();
        CompletableFuture<Outcome> other = CompletableFuture.supplyAsync(() -> bridge("start"));
        bridge("start").ok();
        other.join().ok();
        Wait.until(
                "one keeper is left",
                () -> ProcessFacts.withCommand("jshim-keeper", node.state().toString())
                                .size()
                        == 1);
        node.start();
        JsonObject status = json(bridge("status", "-o", "json").ok());
        assertThat(status.get("state").getAsString()).isEqualTo("serving");
        assertThat(ProcessFacts.withCommand("jshim-keeper", node.state().toString()))
                .containsExactly(status.get("keeper").getAsLong());
        assertThat(node.init("one")).isEqualTo(one);
        node.remove("one");
    }

    /** Its keeper holds all connections: containerd does not notice, nor does anybody who waits. */
    @Test
    void itsDeathIsNotNoticed() {
        Trio trio = Trio.start(node);
        Streams ending = endsOnRequest("ending", 7);
        Streams between = endsOnRequest("between", 8);
        ProcessFacts init = node.init("ending");
        upgrade();
        trio.listed(node);
        EventLog events = EventLog.open(node);
        CompletableFuture<Outcome> waiting = waitsForAFile("waiting");
        ProcessFacts first = ProcessFacts.of(bridge());

        Signal.KILL.to(first.pid());
        trio.listed(node);
        ProcessFacts second = awaitAnother(first);

        trio.listed(node);
        trio.unharmed();
        trio.answers("after a death");
        node.exec(Trio.COUNTER, "e", "/bin/sh", "-c", "exit 3").expect(3);
        assertThat(json(bridge("status", "-o", "json").ok()).get("restarts").getAsInt())
                .isEqualTo(1);
        Signal.STOP.to(second.pid()); // what happens now no bridge sees
        between.write("now");
        Wait.until(
                "the shim has told", () -> !events.exits("between", "between").isEmpty());
        Signal.KILL.to(second.pid());
        awaitAnother(second);
        ending.write("now");
        Wait.until("it ends", () -> !init.alive());
        assertThat(events.exit("ending", "ending").number("exit_status")).isEqualTo(7);
        node.exec(Trio.HOLDER, "go", "/bin/sh", "-c", ": >/go").ok();
        assertThat(waiting.join().code()).as("a call that waited").isEqualTo(6);
        for (String id : List.of("ending", "between")) {
            Wait.until("it is stopped", () -> Tasks.of(node).isStopped(id));
        }
        assertThat(node.log()).content().doesNotContain("shim disconnected");
        assertThat(node.ctr("task", "rm", "ending").ok().err()).contains("exit code 7");
        assertThat(node.ctr("task", "rm", "between").ok().err()).contains("exit code 8");
        node.ctr("container", "rm", "ending", "between").ok();
        Path work = node.legacyWork("ending");
        Wait.until(Duration.ofSeconds(60), "the bridge has cleared away what was of v1", () -> !Files.exists(work));
        events.quiet(Duration.ofSeconds(4));
        assertThat(events.exits("ending", "ending")).hasSize(1);
        assertThat(events.exits("between", "between")).hasSize(1);
        assertThat(events.all().stream()
                        .filter(e -> e.topic().equals("/tasks/exit"))
                        .map(e -> e.number("exit_status")))
                .doesNotContain(137L, 255L);
        trio.remove(node);
    }

    /** The bridge lets clients in by itself until there is another one, which then starts it again as the first did. */
    @Test
    void theDeathOfItsKeeperIsNotNoticed() {
        Trio trio = Trio.start(node);
        upgrade();
        trio.listed(node);
        ProcessFacts first = ProcessFacts.of(bridge());
        KeptBridge kept = new KeptBridge(node);

        // The third time another one comes only after a pause.
        for (int deaths = 0; deaths < 3; deaths++) {
            ProcessFacts keeper = ProcessFacts.of(kept.keeper());
            Signal.KILL.to(keeper.pid());
            Wait.until("the keeper has ended", () -> !keeper.alive());
            bridge("verify").ok(); // by connections of its own
            trio.listed(node);
            Wait.until("another keeper is there", () -> kept.keeper() != keeper.pid());
            assertThat(ProcessFacts.of(bridge())).isEqualTo(first);
        }
        bridge("verify").ok();
        Signal.KILL.to(first.pid());
        trio.listed(node);
        awaitAnother(first);

        trio.unharmed();
        node.kill9();
        node.start();
        trio.listed(node);
        assertThat(node.log()).content().doesNotContain("shim disconnected");
        trio.remove(node);
    }

    private CompletableFuture<Outcome> waitsForAFile(String exec) {
        CompletableFuture<Outcome> waiting = CompletableFuture.supplyAsync(
                () -> node.exec(Trio.HOLDER, exec, "/bin/sh", "-c", "until [ -e /go ]; do sleep 0.1; done; exit 6"));
        Wait.until(
                "the exec runs",
                () -> ProcessList.of(node, Trio.HOLDER).lines().toString().contains(exec));
        return waiting;
    }

    @Test
    void aMuteShimDelaysNobody() {
        legacy("one");
        ProcessFacts mute = legacy("mute");
        upgrade();
        node.stop();
        bridge("stop").ok();
        Signal.STOP.to(mute.parent());
        try {
            bridge("start").ok();
            assertThat(answers(bridge("verify", "-o", "json"))).containsEntry("one", true);
        } finally {
            Signal.CONT.to(mute.parent());
        }
        assertThat(answers(bridge("verify", "-o", "json").ok())).isEqualTo(Map.of("mute", true, "one", true));
        node.start();
        assertThat(node.init("mute")).isEqualTo(mute);
        node.remove("one");
        node.remove("mute");
    }

    @Test
    void replacedWhileContainerdRuns() {
        Trio trio = Trio.start(node);
        Streams ending = endsOnRequest("ending", 7);
        ProcessFacts init = node.init("ending");
        upgrade();
        trio.listed(node);
        EventLog events = EventLog.open(node);
        CompletableFuture<Outcome> waiting = waitsForAFile("waiting");
        ProcessFacts before = ProcessFacts.of(bridge());

        bridge("replace").ok();

        assertThat(bridge()).isNotEqualTo(before.pid());
        Wait.until("the old bridge ends", () -> !before.alive());
        trio.listed(node);
        trio.unharmed();
        assertThat(events.all().stream().filter(e -> e.topic().equals("/tasks/exit")))
                .isEmpty();
        trio.answers("new bridge");
        node.exec(Trio.COUNTER, "e", "/bin/sh", "-c", "exit 3").expect(3);

        node.exec(Trio.HOLDER, "go", "/bin/sh", "-c", ": >/go").ok();
        assertThat(waiting.join().code()).as("a call that waited went over").isEqualTo(6);
        ending.write("now");
        Wait.until("it ends", () -> !init.alive());
        assertThat(events.exit("ending", "ending").number("exit_status")).isEqualTo(7);
        assertThat(node.ctr("task", "rm", "ending").ok().err()).contains("exit code 7");
        node.ctr("container", "rm", "ending").ok();

        Wait.until(
                "it is cleared away",
                () -> json(bridge("status", "-o", "json")).get("adopted").getAsInt() == 3);
        assertThat(bridge("start", "--kept").ok().out()).contains("runs already");
        trio.listed(node);
        assertThat(events.exit(Trio.HOLDER, "waiting").number("exit_status")).isEqualTo(6);
        // The v1 shim's own publishing takes up to some seconds; a second event would come after it.
        Wait.pause(Duration.ofSeconds(4));
        assertThat(events.exits("ending", "ending")).hasSize(1);
        assertThat(events.exits(Trio.HOLDER, "waiting")).hasSize(1);
        node.kill9();
        node.start();
        trio.listed(node);
        trio.remove(node);
    }

    /** One that dies again and again is away for a while: another one beside it would take its sockets. */
    @Test
    void noSecondBridgeWhileTheKeeperWaits() {
        ProcessFacts one = legacy("one");
        adoptUnderAKeeperThatWaits();

        for (Outcome refused :
                List.of(bridge("start"), bridge("stop"), bridge("replace"), migrateWithin("1s", "apply", "--yes"))) {
            assertThat(refused.code()).as("%s", refused).isEqualTo(1);
            assertThat(refused.err()).contains("its keeper, pid ", "starts it again if it dies");
            assertReadable(refused);
        }
        assertThat(ProcessFacts.withCommand(
                        "dev.jshim.bridge.Main bridge", node.state().toString()))
                .isEmpty();

        ProcessFacts.withCommand("jshim-keeper", node.state().toString()).forEach(Signal.TERM::to);
        Wait.until("its keeper ends", () -> bridge("start").code() == 0);
        node.switchTo(Release.V2);
        assertThat(node.init("one")).isEqualTo(one);
        node.remove("one");
    }

    /** Else nobody could ever go back from a bridge that does not come up. */
    @Test
    void aRollbackEndsAKeeperThatWaits() {
        ProcessFacts one = legacy("one");
        adoptUnderAKeeperThatWaits();

        migrate("rollback", "--yes").ok();

        assertThat(ProcessFacts.withCommand("jshim-keeper", node.state().toString()))
                .isEmpty();
        assertThat(node.state().resolve("jshim")).doesNotExist();
        node.switchTo(old);
        assertThat(node.init("one")).isEqualTo(one);
        node.remove("one");
    }

    /** Its bridge has died three times in a row, and the next one is to start in hours. */
    private void adoptUnderAKeeperThatWaits() {
        node.stop();
        migrate(Map.of("JSHIM_KEEPER_SECOND", "3000000"), "apply", "--yes").ok();
        for (int deaths = 1; deaths < 3; deaths++) {
            ProcessFacts before = ProcessFacts.of(bridge());
            Signal.KILL.to(before.pid());
            awaitAnother(before);
        }
        Signal.KILL.to(bridge());
        Wait.until(
                "it waits",
                () -> json(bridge("status", "-o", "json"))
                        .get("state")
                        .getAsString()
                        .equals("waiting"));
    }

    /** Trees that replace one another, the newest of which {@code current} names; its bridge does not come up. */
    @Test
    void aNewTreeThatIsBrokenIsTakenBack() throws IOException {
        Path trees = Files.createDirectory(node.dir().resolve("trees"));
        Path good = new DistTree(Product.home()).copyTo(trees.resolve("1")).home();
        Path broken = new DistTree(Product.home()).copyTo(trees.resolve("2")).home();
        Files.writeString(broken.resolve("bin/containerd-shim-v1-linux"), "#!/bin/sh\nexit 9\n");
        Path current = Files.createSymbolicLink(trees.resolve("current"), Path.of("1"));
        ProcessFacts one = legacy("one");
        node.stop();
        ctlOf(good, "migrate", "apply", "--yes").ok();
        node.switchTo(Release.V2);
        ProcessFacts before = ProcessFacts.of(bridge());

        Files.delete(current);
        Files.createSymbolicLink(current, Path.of("2"));
        Outcome refused = ctlOf(broken, "bridge", "replace").expect(1);
        assertReadable(refused);
        assertThat(refused.err()).contains("did not come up", "serves again");
        JsonObject status = json(bridge("status", "-o", "json").ok());
        assertThat(status.get("replacementFailed").getAsBoolean()).isTrue();
        assertThat(status.get("pid").getAsLong()).isNotEqualTo(before.pid());
        assertThat(node.init("one")).isEqualTo(one);
        node.exec("one", "e", "/bin/sh", "-c", "exit 3").expect(3);

        Files.delete(current);
        Files.createSymbolicLink(current, Path.of("1"));
        ctlOf(good, "bridge", "replace").ok();
        assertThat(json(bridge("status", "-o", "json").ok())
                        .get("replacementFailed")
                        .getAsBoolean())
                .isFalse();
        node.exec("one", "f", "/bin/sh", "-c", "exit 4").expect(4);
        assertThat(node.log()).content().doesNotContain("shim disconnected");
        node.remove("one");
    }

    /** The one case in which containerd takes what runs for exited: that is said until it has it again. */
    @Test
    void whatContainerdHasForgottenIsNamed() {
        ProcessFacts one = legacy("one");
        upgrade();
        killBridgeForGood();
        Wait.until("containerd forgets it", () -> Tasks.of(node).tasks().isEmpty());
        assertThat(one.alive()).as("nobody ends it").isTrue();
        assertThat(node.log())
                .content()
                .contains("container one still runs under its v1 shim (v1 shim " + one.parent() + " lives)");
        assertThat(Product.ctl(node, "check").out()).contains("one is ");
        assertThat(answers(Product.ctl(node, "-o", "json", "bridge", "verify").expect(3)))
                .isEqualTo(Map.of("one", false));
        bridge("status").expect(3);
        bridge("start").ok();

        for (String command : List.of("ls", "check")) {
            Outcome said = Product.ctl(node, command).expect(3);
            assertThat(said.out() + said.err())
                    .as(command)
                    .contains("containerd considers these exited, but they still run: " + node.namespace() + "/one");
            assertReadable(said);
        }

        node.stop();
        node.start();
        assertThat(node.init("one")).isEqualTo(one);
        for (String command : List.of("ls", "check")) {
            Outcome said = Product.ctl(node, command);
            assertThat(said.out() + said.err()).as(command).doesNotContain("considers these exited");
        }
        node.remove("one");
    }

    private Outcome ctlOf(Path tree, String... words) {
        return Run.of(Stream.concat(
                                Stream.of(
                                        tree.resolve("bin/jshimctl").toString(),
                                        "--root",
                                        node.root().toString(),
                                        "--state",
                                        node.state().toString(),
                                        "--address",
                                        node.socket().toString()),
                                Stream.of(words))
                        .toList())
                .run();
    }
}
