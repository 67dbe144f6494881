package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The operator's command on a node with shims of three kinds, and with all the trouble that a node can have. */
class JshimctlTest extends MigrationScenario {
    private static final String GO = "io.containerd.runc.v2";
    private static final int MANY = 300;

    /** Wide, for a machine that is busy; short only where a shim is mute on purpose. */
    private String timeout = "30s";

    JshimctlTest() {
        super(Release.V1_6);
    }

    private Outcome ctl(String... args) {
        return Product.ctl(
                node,
                Stream.concat(Stream.of("-n", node.namespace(), "--timeout", timeout), Stream.of(args))
                        .toArray(String[]::new));
    }

    private static JsonObject json(Outcome outcome) {
        return JsonParser.parseString(outcome.out()).getAsJsonObject();
    }

    private Map<String, String> health() {
        var out = new TreeMap<String, String>();
        for (JsonElement task : json(ctl("ls", "-o", "json").ok()).getAsJsonArray("tasks")) {
            out.put(
                    task.getAsJsonObject().get("id").getAsString(),
                    task.getAsJsonObject().get("health").getAsString());
        }
        return out;
    }

    @Test
    void everyShimWithAndWithoutContainerd() {
        Map<String, ProcessFacts> inits = Map.of(
                "old", legacy("old"),
                "go", node.runDetached(GO, "go", "/bin/sleep", "100000"),
                "own", node.runDetached(Product.RUNTIME, "own", "/bin/sleep", "100000"));
        assertThat(health()).isEqualTo(Map.of("old", "ok", "go", "ok", "own", "ok"));
        inits.forEach(this::answers);
        node.stop();
        inits.forEach(this::answers);
        assertThat(ctl("events").expect(1).err()).contains("no containerd answers");
        assertThat(ctl("stacks", "own").ok().out()).contains("Full thread dump", "\n\tat java.lang.", "WAITS IN");
        assertThat(ctl("stacks", "old").ok().out()).contains("WAITS IN").doesNotContain("Full thread dump");
        assertThat(ctl("stacks", "old", "--dump").expect(1).err()).contains("does not signal a v1 shim");
        assertThat(health()).isEqualTo(Map.of("old", "ok", "go", "ok", "own", "ok"));
        node.start();
        List.of("old", "go", "own").forEach(node::remove);
    }

    private void answers(String id, ProcessFacts init) {
        assertThat(json(ctl("state", id, "-o", "json").ok()).get("pid").getAsLong())
                .isEqualTo(init.pid());
        Outcome exec = ctl("exec", id, "--", "/bin/sh", "-c", "echo out; echo err >&2; exit 5");
        assertThat(exec.expect(5).out()).isEqualTo("out");
        assertThat(exec.err().strip()).isEqualTo("err");
        ctl("pause", id).ok();
        assertThat(json(ctl("state", id, "-o", "json").ok()).get("status").getAsString())
                .isEqualTo("paused");
        ctl("resume", id).ok();
        assertThat(json(ctl("stats", id, "-o", "json").ok()).get("memoryBytes").getAsLong())
                .isPositive();
        JsonObject found =
                json(ctl("find", Long.toString(init.pid()), "-o", "json").ok());
        assertThat(found.get("id").getAsString()).isEqualTo(id);
        assertThat(found.get("role").getAsString()).isEqualTo("init");
        JsonObject all = json(ctl("inspect", id, "-o", "json").ok());
        assertThat(all.getAsJsonArray("differences")).isEmpty();
        assertThat(all.getAsJsonObject("stateByRuntime").get("alive").getAsBoolean())
                .isTrue();
        assertThat(all.getAsJsonObject("shim").get("pssKib").getAsLong()).isPositive();
    }

    @Test
    void aMuteShimAndAnOrphanAreKilledWithoutIt() {
        ProcessFacts mute = node.runDetached(GO, "mute", "/bin/sleep", "100000");
        ProcessFacts orphan = legacy("orphan");
        long shim = mute.parent();
        node.kill9();
        Signal.KILL.to(orphan.parent());
        Wait.until("the shim is gone", () -> orphan.parent() == 1);
        node.forgiveStaleSockets();
        Signal.STOP.to(shim);
        timeout = "2s"; // No other shim is asked.
        try {
            assertThat(health()).isEqualTo(Map.of("mute", "mute", "orphan", "orphan"));
            assertThat(ctl("kill", "mute", "-s", "KILL").expect(1).err()).contains("did not answer within 2000 ms");
            assertThat(mute.alive()).isTrue();
            Outcome killed = ctl("kill", "mute", "-s", "KILL", "--escalate").ok();
            assertThat(killed.err()).contains("shim: mute for 2000 ms", "runtime: runc --root", ": sent");
            ctl("kill", "orphan", "-s", "KILL", "--all", "--escalate").ok();
            Wait.until("both are gone", () -> !mute.alive() && !orphan.alive());
        } finally {
            Signal.CONT.to(shim);
        }
        assertThat(health()).containsEntry("orphan", "dead");
        node.start();
        Wait.until("the daemon has cleaned up", () -> !Files.exists(node.legacyBundle("orphan")));
        node.ctr("container", "rm", "orphan").ok();
        node.remove("mute");
    }

    /** All that a node can have at once, as rows of one answer; then what was left behind goes, and nothing else. */
    @Test
    void aNodeFullOfTrouble() throws IOException {
        ProcessFacts living = legacy("living");
        ProcessFacts dead = legacy("dead");
        ProcessFacts go = node.runDetached(GO, "go", "/bin/sleep", "100000");
        node.stop();
        Signal.KILL.to(dead.parent());
        Signal.KILL.to(dead.pid());
        node.forgiveStaleSockets();
        for (int i = 0; i < MANY; i++) {
            bundle("left-" + i, "unix:///run/containerd/s/gone-" + i, "/none/left");
        }
        bundle("truncated", "unix:///run/conta", "/none/truncated");
        Process stranger = new ProcessBuilder("/bin/sleep", "1000").start();
        Process exposed = shimWithAbstractSocket("exposed");
        try {
            Path reused = bundle("reused", "unix:///run/containerd/s/gone", "/none/reused");
            Files.writeString(reused.resolve("init.pid"), Long.toString(stranger.pid()));
            old(reused);

            Map<String, String> seen = whileMute(go.parent(), this::health);
            assertThat(seen)
                    .hasSize(MANY + 6)
                    .containsEntry("living", "ok")
                    .containsEntry("go", "mute")
                    .containsEntry("dead", "dead")
                    .containsEntry("exposed", "degraded")
                    .containsEntry("truncated", "leaked")
                    .containsEntry("reused", "dead");
            assertThat(seen.values().stream().filter("leaked"::equals)).hasSize(MANY + 1);
            assertThat(ctl("sockets").ok().out()).contains("exposed  abstract");
            assertThat(ctl("check").expect(3).out())
                    .contains("warning: socket: " + abstractName("exposed"), "CVE-2020-15257");
            assertThat(ctl("kill", "reused", "-s", "KILL", "--escalate")
                            .expect(1)
                            .err())
                    .contains("is another process now: not signalled");
            assertThat(stranger.isAlive()).isTrue();

            assertThat(ctl("clean").expect(0).out()).contains("would be removed");
            assertThat(json(ctl("clean", "--yes", "-o", "json").expect(0)).getAsJsonArray("leftovers"))
                    .hasSize(MANY + 2);
            assertThat(health()).isEqualTo(Map.of("living", "ok", "go", "ok", "dead", "dead", "exposed", "degraded"));
            assertThat(stranger.isAlive() && exposed.isAlive()).isTrue();
        } finally {
            stranger.destroyForcibly();
            end(exposed, "exposed");
        }
        node.start();
        Wait.until("the daemon has cleaned up", () -> !Files.exists(node.legacyBundle("dead")));
        node.ctr("container", "rm", "dead").ok();
        assertThat(node.init("living")).isEqualTo(living);
        assertThat(node.init("go")).isEqualTo(go);
        node.remove("living");
        node.remove("go");
    }

    /** It stops a shim, and has to wait no longer than for that one. */
    private <T> T whileMute(long shim, Supplier<T> action) {
        String before = timeout;
        timeout = "8s";
        Signal.STOP.to(shim);
        long began = System.nanoTime();
        try {
            T result = action.get();
            assertThat(Duration.ofNanos(System.nanoTime() - began))
                    .isBetween(Duration.ofSeconds(8), Duration.ofSeconds(120));
            return result;
        } finally {
            Signal.CONT.to(shim);
            timeout = before;
        }
    }

    private String abstractName(String id) {
        return "/containerd-shim/" + node.namespace() + "/" + id + "/shim.sock";
    }

    /** A v1 shim without a container, in a bundle that says nothing of where it listens. */
    private Process shimWithAbstractSocket(String id) throws IOException {
        Path bundle = Files.createDirectories(node.legacyBundle(id));
        Path work = Files.createDirectories(work(id));
        Process shim = new ProcessBuilder(
                        "/usr/bin/containerd-shim",
                        "-namespace",
                        node.namespace(),
                        "-workdir",
                        work.toString(),
                        "-address",
                        node.socket().toString(),
                        "-socket",
                        abstractName(id))
                .directory(bundle.toFile())
                .redirectErrorStream(true)
                .redirectOutput(node.dir().resolve(id + ".log").toFile())
                .start();
        Wait.until("it listens", () -> ctl("sockets").out().contains(abstractName(id)));
        return shim;
    }

    private Path work(String id) {
        return node.root().resolve(Product.LEGACY).resolve(node.namespace()).resolve(id);
    }

    private void end(Process shim, String id) throws IOException {
        shim.destroyForcibly();
        Wait.until("it is gone", () -> !shim.isAlive());
        for (Path folder : List.of(node.legacyBundle(id), work(id))) {
            try (Stream<Path> files = Files.list(folder)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(folder);
        }
    }

    /** A v2 bundle, old enough to be cleaned. */
    private Path bundle(String id, String address, String cgroup) throws IOException {
        Path bundle = Files.createDirectories(node.bundle(id));
        Files.writeString(bundle.resolve("config.json"), "{\"linux\":{\"cgroupsPath\":\"" + cgroup + "\"}}");
        Files.writeString(bundle.resolve("address"), address);
        Files.createDirectory(bundle.resolve("rootfs"));
        old(bundle);
        return bundle;
    }

    private static void old(Path path) throws IOException {
        Files.setLastModifiedTime(path, FileTime.from(Instant.EPOCH));
    }
}
