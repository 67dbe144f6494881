package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** What a bridge may die of, one cause at a time, and what is no death. */
@ParameterizedClass(name = "from containerd {0}")
@MethodSource("oneRelease")
class BridgeDeathTest extends MigrationScenario {
    /** In milliseconds, the keeper's: what takes it 10 s takes 2. */
    private static final int SECOND = 200;

    BridgeDeathTest(Release old) {
        super(old);
    }

    /** The old daemon has no part in it. */
    static Stream<Release> oneRelease() {
        return Stream.of(Release.V1_6);
    }

    /** As {@link #upgrade}, with a bridge that comes to harm at a point. */
    private void upgradeWithFault(String fault) {
        node.stop();
        var variables =
                Map.of("JSHIM_JAVA_OPTS", "-Djshim.fault=" + fault, "JSHIM_KEEPER_SECOND", Integer.toString(SECOND));
        migrate(variables, "apply", "--yes").ok();
        node.switchTo(Release.V2);
    }

    private JsonObject status() {
        return JsonParser.parseString(
                        Product.ctl(node, "bridge", "status", "-o", "json").out())
                .getAsJsonObject();
    }

    private int deaths() {
        return status().get("restarts").getAsInt();
    }

    private void awaitDeath(String how) {
        Wait.until(Duration.ofSeconds(60), "the bridge dies and another one serves", () -> {
            JsonObject status = status();
            return !status.get("pid").isJsonNull() && status.get("restarts").getAsInt() == 1;
        });
        assertThat(status().get("lastDeath").getAsString()).startsWith(how);
    }

    private void worksOn(ProcessFacts init) {
        assertThat(node.init("one")).isEqualTo(init);
        assertThat(init.alive()).isTrue();
        node.exec("one", "works", "/bin/sh", "-c", "exit 3").expect(3);
        assertThat(node.log()).content().doesNotContain("shim disconnected");
        node.remove("one");
    }

    /** All of it is there, and none of its threads wants to run, but the keeper hears nothing of it. */
    @Test
    void aHang() {
        ProcessFacts one = legacy("one");
        upgradeWithFault("keeper-ping:3:hold:" + node.dir().resolve("held"));
        awaitDeath("hang");
        worksOn(one);
    }

    /** The same for as long, but a thread wants to run: as far as the keeper can tell it is slow. */
    @Test
    void slownessIsNoHang() throws Exception {
        ProcessFacts one = legacy("one");
        Path spins = node.dir().resolve("spins");
        upgradeWithFault("keeper-ping:3:spin:" + spins);
        Wait.until("it spins", () -> Files.exists(spins));
        // More than the 10 s after which it would be a hang, less than the 60 s after which it is one all the same.
        Wait.pause(Duration.ofMillis(20L * SECOND));
        Files.delete(spins);
        worksOn(one);
        assertThat(deaths()).isZero();
    }

    /** Long before the collector finds room for nothing at all, it does nothing but to collect. */
    @Test
    void aLeak() {
        ProcessFacts one = legacy("one");
        // A heap that has its size: one that grows may end before it has, with a third of it unused.
        upgradeWithFault("keeper-ping:3:leak:" + node.dir().resolve("leaks") + " -Xms512m");
        awaitDeath("exit 3");
        worksOn(one);
        assertThat(node.state().resolve("jshim/bridge.log")).content().contains("out of memory; exiting");
    }

    /** As a call for which there is not enough memory. */
    @Test
    void aCallThatKillsEachBridge() {
        ProcessFacts one = legacy("one");
        upgradeWithFault("call-begun:1:halt");
        Outcome refused = node.exec("one", "kills", "/bin/sh", "-c", "exit 3");
        assertThat(refused.code()).isEqualTo(1);
        assertThat(refused.err()).contains("died 8 times during this call");
        assertThat(deaths()).isEqualTo(8);
        assertThat(node.init("one")).isEqualTo(one);

        // One without that fault.
        node.stop();
        Product.ctl(node, "bridge", "stop").ok();
        Product.ctl(node, "bridge", "start").ok();
        node.start();
        worksOn(one);
    }

    /** Only the keeper's is an order to end. */
    @Test
    void sigterm() {
        ProcessFacts one = legacy("one");
        upgrade();
        Signal.TERM.to(bridge());
        awaitDeath("exit 143");
        worksOn(one);
    }

    /** Calls go on without their notes, and are noted again as soon as there is room. */
    @Test
    void noRoomForNotes() throws Exception {
        ProcessFacts one = legacy("one");
        node.stop();
        try (SmallDisk notes = SmallDisk.over(node.state().resolve("jshim/calls"), "256k")) {
            migrate("apply", "--yes").ok();
            node.switchTo(Release.V2);
            notes.fill();
            node.exec("one", "unnoted", "/bin/sh", "-c", "exit 3").expect(3);
            assertThat(node.state().resolve("jshim/bridge.log")).content().contains("cannot note a call");
            notes.free();
            node.exec("one", "noted", "/bin/sh", "-c", "exit 4").expect(4);
            CompletableFuture<Outcome> waiting = CompletableFuture.supplyAsync(
                    () -> node.exec("one", "waits", "/bin/sh", "-c", "until [ -e /go ]; do sleep 0.1; done; exit 6"));
            Wait.until("it runs", () -> ProcessList.of(node, "one").hasExec("waits"));
            Signal.KILL.to(bridge());
            awaitDeath("signal 9");
            node.exec("one", "go", "/bin/sh", "-c", ": >/go").ok();
            assertThat(waiting.join().code()).isEqualTo(6);
            worksOn(one);
            node.stop();
            Product.ctl(node, "bridge", "stop").ok();
        }
    }
}
