package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The JVM of a shim hangs, or dies each time that it is started: containers and whoever waits for an answer go on once
 * the keeper has put another one in its place. What is slow is left alone. The keeper's seconds are shorter here.
 */
@ParameterizedClass(name = "{0}")
@MethodSource("newest")
class ShimHangTest extends ShimScenario {
    /** In milliseconds: what takes the keeper 10 s takes 2. */
    private static final int SECOND = 200;
    /** Sixty of the keeper's seconds, the start of a JVM, and what a busy machine takes for that. */
    private static final Duration BOUND = Duration.ofSeconds(40);

    ShimHangTest(Setup setup) {
        super(setup);
    }

    /** One shim for all, and one for each pod. */
    static Stream<Setup> newest() {
        return Setup.lasting().filter(setup -> setup.release() == Release.V2);
    }

    @Override
    void prepare() {
        node.setVariable("JSHIM_KEEPER_SECOND", Integer.toString(SECOND));
    }

    private void withFault(String fault) {
        node.stop();
        node.setVariable("JSHIM_JAVA_OPTS", "-Djshim.grace=3 -Djshim.fault=" + fault);
        node.start();
    }

    private void withSecond(int millis) {
        node.stop();
        node.setVariable("JSHIM_KEEPER_SECOND", Integer.toString(millis));
        node.start();
    }

    private static Duration seconds(int count) {
        return Duration.ofMillis((long) count * SECOND);
    }

    private JsonObject keeper() {
        return JsonParser.parseString(Product.ctl(node, "--timeout", "200ms", "inspect", "one", "-o", "json")
                        .out())
                .getAsJsonObject()
                .getAsJsonObject("keeper");
    }

    private int restarts() {
        return keeper().get("restarts").getAsInt();
    }

    private void awaitHang() {
        Wait.until(BOUND, "it is killed and another one serves", () -> restarts() == 1);
        assertThat(keeper().get("lastDeath").getAsString()).startsWith("hang");
        Wait.until("containerd's log says so", () -> node.logText().contains("end=\"hang\" restarts=\"1\""));
    }

    /** All is as before, for the containers and for whoever calls. */
    private void goesOn(ProcessFacts init, EventLog events) {
        assertThat(node.echo("one", "works", "still here")).isEqualTo("still here");
        Wait.until("it runs", () -> Tasks.of(node).isRunning("one"));
        assertThat(node.init("one")).isEqualTo(init);
        assertThat(node.logText()).doesNotContain("shim disconnected");
        node.ctr("task", "kill", "-s", "KILL", "one").ok();
        assertThat(events.exit("one", "one").number("exit_status")).isEqualTo(137);
        assertThat(node.ctr("task", "rm", "one").err()).contains("exit code 137");
        node.ctr("container", "rm", "one").ok();
        assertThat(events.exits("one", "one")).hasSize(1);
    }

    @Test
    void aJvmThatIsStopped() throws Exception {
        EventLog events = EventLog.open(node);
        ProcessFacts init = sleeper("one");
        Counter counter = Counter.start(node, runtime, "counter");
        ProcessFacts shim = ShimProcess.of(node, "one");
        CompletableFuture<Outcome> waits = CompletableFuture.supplyAsync(
                () -> node.exec("one", "waits", "/bin/sh", "-c", "until [ -e /heard ]; do sleep 0.1; done; exit 5"));
        Wait.until("the exec runs", () -> ProcessList.of(node, "one").hasExec("waits"));

        Signal.STOP.to(ShimProcess.jvm(shim));
        long began = System.nanoTime();
        assertThat(node.exec("one", "meanwhile", "/bin/sh", "-c", "exit 7").code())
                .isEqualTo(7);

        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(BOUND);
        awaitHang();
        assertThat(shim.alive()).isTrue();
        counter.awaitProgress();
        counter.gapless();
        heard("one");
        assertThat(waits.get().code()).isEqualTo(5);
        goesOn(init, events);
        node.remove("counter");
    }

    /** With seconds as they are. */
    @Test
    @LongRun
    void aJvmThatIsStoppedIsKilledAfterAMinute() throws Exception {
        withSecond(1000);
        EventLog events = EventLog.open(node);
        ProcessFacts init = sleeper("one");

        Signal.STOP.to(ShimProcess.jvm(ShimProcess.of(node, "one")));
        long began = System.nanoTime();
        assertThat(node.exec("one", "meanwhile", "/bin/sh", "-c", "exit 7").code())
                .isEqualTo(7);

        assertThat(Duration.ofNanos(System.nanoTime() - began))
                .isBetween(Duration.ofSeconds(55), Duration.ofSeconds(90));
        awaitHang();
        goesOn(init, events);
    }

    /** All of it is there, and none of its threads wants to run, but the keeper hears nothing of it. */
    @Test
    void aJvmThatDoesNotAnswer() {
        withFault("keeper-ping:3:hold:" + node.dir().resolve("held"));
        EventLog events = EventLog.open(node);
        ProcessFacts init = sleeper("one");
        awaitHang();
        goesOn(init, events);
    }

    /** A thread wants to run all the time: as far as the keeper can tell it is slow, for a while. */
    @Test
    void aBusyJvmHasMoreTime() throws Exception {
        Path spins = node.dir().resolve("spins");
        withFault("keeper-ping:3:spin:" + spins);
        EventLog events = EventLog.open(node);
        ProcessFacts init = sleeper("one");
        Wait.until("it spins", () -> Files.exists(spins));
        Wait.pause(seconds(20));
        assertThat(restarts()).isZero();
        Files.delete(spins);
        goesOn(init, events);
    }

    @Test
    @LongRun
    void aJvmThatIsBusyForGoodIsKilled() {
        withFault("keeper-ping:3:spin:" + node.dir().resolve("spins"));
        EventLog events = EventLog.open(node);
        ProcessFacts init = sleeper("one");
        Wait.until(seconds(60).plus(BOUND), "it is killed", () -> restarts() == 1);
        awaitHang();
        goesOn(init, events);
    }

    @Test
    void aContainerThatStandsStill() {
        EventLog events = EventLog.open(node);
        ProcessFacts init = sleeper("one");
        CompletableFuture<Outcome> waits =
                CompletableFuture.supplyAsync(() -> node.exec("one", "waits", "/bin/sh", "-c", "sleep 1; exit 5"));
        Wait.until("the exec runs", () -> ProcessList.of(node, "one").hasExec("waits"));
        node.ctr("task", "pause", "one").ok();
        Wait.pause(seconds(15));
        node.ctr("task", "resume", "one").ok();
        Signal.STOP.to(init.pid());
        Wait.pause(seconds(15));
        Signal.CONT.to(init.pid());
        assertThat(waits.join().code()).isEqualTo(5);
        assertThat(restarts()).isZero();
        goesOn(init, events);
    }

    @Test
    void aBusyMachine() throws Exception {
        EventLog events = EventLog.open(node);
        ProcessFacts init = sleeper("one");
        List<Process> busy = new ArrayList<>();
        try {
            for (int i = 0; i < 3 * Runtime.getRuntime().availableProcessors(); i++) {
                busy.add(new ProcessBuilder("/bin/sh", "-c", "while :; do :; done").start());
            }
            Wait.pause(seconds(25));
        } finally {
            busy.forEach(Process::destroyForcibly);
        }
        assertThat(restarts()).isZero();
        goesOn(init, events);
    }

    @Test
    void aCrashLoop() throws Exception {
        withSecond(1000);
        EventLog events = EventLog.open(node);
        ProcessFacts init = sleeper("one");
        Counter counter = Counter.start(node, runtime, "counter");
        ProcessFacts shim = ShimProcess.of(node, "one");
        Path note = ShimProcess.folder(node, "one").resolve("shim");
        String text = Files.readString(note);
        Files.writeString(note, text.replace("protocol ttrpc\n", "protocol none\n"));

        Signal.KILL.to(ShimProcess.jvm(shim));
        CompletableFuture<Outcome> waits =
                CompletableFuture.supplyAsync(() -> node.exec("one", "waits", "/bin/sh", "-c", "exit 5"));

        Wait.until("ls says so", () -> {
            Outcome ls = Product.ctl(node, "--timeout", "200ms", "ls");
            return ls.out().contains("restarting") && ls.err().contains("the shim's JVM dies again and again");
        });
        assertThat(keeper().get("lastDeath").getAsString()).startsWith("exit 1");
        assertThat(node.logText()).contains("a new JVM cannot continue the running shim");
        Wait.until(Duration.ofSeconds(60), "it is as slow as it gets", () -> restarts() >= 8);
        int before = restarts();
        Wait.pause(Duration.ofSeconds(7));
        assertThat(restarts() - before)
                .as("it waits for three seconds before each")
                .isLessThan(4);
        assertThat(shim.alive()).isTrue();
        assertThat(init.alive()).isTrue();

        Files.writeString(note, text);
        Wait.until("one serves", () -> keeper().get("state").getAsString().equals("serving"));
        assertThat(waits.join().code()).isEqualTo(5);
        counter.awaitProgress();
        counter.gapless();
        goesOn(init, events);
        node.remove("counter");
    }
}
