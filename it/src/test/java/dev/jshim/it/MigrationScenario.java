package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.jshim.proto.v2.bridge.Notes;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;

/** A scenario that begins under an old daemon with its own v1 shims; after it nothing may be left on the machine. */
abstract class MigrationScenario extends Scenario {
    /** For each answer of a shim: one that comes late is no fault of anybody's on a machine that is starved. */
    private static final String PATIENCE = "30s";

    final Release old;

    MigrationScenario(Release old) {
        this.old = old;
    }

    /** Every daemon that has the v1 runtime. */
    static Stream<Release> oldReleases() {
        return Stream.of(Release.values()).filter(Release::hasLegacyRuntime);
    }

    /** One of them, for what takes long and does not depend on it; with {@code -Djshim.test.all=true} every one. */
    static Stream<Release> oneOldRelease() {
        return oldReleases().limit(Boolean.getBoolean("jshim.test.all") ? Long.MAX_VALUE : 1);
    }

    @BeforeEach
    void start() {
        Product.home();
        node = PrivateContainerd.started(old);
    }

    @Override
    void finish(PrivateContainerd node) {
        node.stop();
        // Ends the bridge at once; by itself it would wait for another adoption first.
        migrate("rollback", "--yes").ok();
        node.finish();
    }

    /** Runs {@code jshimctl migrate}. */
    Outcome migrate(String... args) {
        return migrate(Map.of(), args);
    }

    /** The same with more in the environment, which a bridge that it starts has too. */
    Outcome migrate(Map<String, String> variables, String... args) {
        return Product.ctl(node, variables, migrateWords(PATIENCE, args));
    }

    /** The same, with another bound for each answer, where one is known not to come. */
    Outcome migrateWithin(String timeout, String... args) {
        return Product.ctl(node, migrateWords(timeout, args));
    }

    private static String[] migrateWords(String timeout, String... args) {
        return Stream.concat(Stream.of("--timeout", timeout, "migrate"), Stream.of(args))
                .toArray(String[]::new);
    }

    /** Stops the old daemon, adopts all, starts the new one. */
    void upgrade() {
        node.stop();
        assertThat(migrate("apply", "--yes").ok().out()).doesNotContain("Stop the old containerd");
        node.switchTo(Release.V2);
    }

    /** Waits until the bridge knows that this daemon runs: of what exits from then on the v1 shims tell it. */
    void awaitKnown() {
        Wait.until("the bridge knows containerd", () -> {
            List<Notes> all = BridgeNotes.of(node);
            return all.size() >= adopted()
                    && all.stream().allMatch(notes -> notes.getDaemon().contains(inode()));
        });
    }

    /** How many adopted containers have a bundle. */
    private long adopted() {
        try (Stream<Path> bundles = Files.list(node.bundle("any").getParent())) {
            return bundles.filter(bundle -> Files.exists(bundle.resolve("jshim.v1")))
                    .count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String inode() {
        try {
            return " " + Files.getAttribute(node.socket(), "unix:ino") + " ";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Exchanges the daemon as a package does, without us: the new one sees none of the containers. */
    DaemonService upgradeWithoutUs() throws IOException {
        node.stop();
        DaemonService service = DaemonService.start(node, old, Product.bin());
        service.stop();
        service.install(Release.V2);
        service.start();
        assertThat(Tasks.of(node).tasks()).as("what the new daemon sees").isEmpty();
        return service;
    }

    /**
     * Runs {@code jshimctl migrate rescue} with the service's own start command.
     *
     * @param wrapper variables and programs before it
     */
    Outcome rescue(DaemonService service, String stop, List<String> wrapper) {
        return Product.ctl(
                node,
                wrapper,
                migrateWords(PATIENCE, "rescue", "--yes", "--stop", stop, "--start", service.startCommand()));
    }

    /** A container of the v1 runtime that only sleeps. */
    ProcessFacts legacy(String id) {
        return node.runDetached(Product.LEGACY, id, "/bin/sleep", "100000");
    }

    /** A container of the v1 runtime that ends with a code once it has read a line. */
    Streams endsOnRequest(String id, int code) {
        return Streams.start(node, Product.LEGACY, id, "/bin/sh", "-c", "read line; exit " + code);
    }

    /** What a command said of each container, by id: for {@code plan} the action, for the others the result. */
    Map<String, String> rows(Outcome outcome) {
        Map<String, String> rows = new TreeMap<>();
        for (JsonObject row : objects(outcome)) {
            rows.put(
                    row.get("id").getAsString(),
                    row.get(row.has("action") ? "action" : "result").getAsString());
        }
        return rows;
    }

    /** The row of one container. */
    JsonObject row(Outcome outcome, String id) {
        return objects(outcome).stream()
                .filter(row -> row.get("id").getAsString().equals(id))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no row of " + id + " in " + outcome));
    }

    private static List<JsonObject> objects(Outcome outcome) {
        JsonObject all = JsonParser.parseString(outcome.out()).getAsJsonObject();
        return all.get(all.has("plan") ? "plan" : "containers").getAsJsonArray().asList().stream()
                .map(JsonElement::getAsJsonObject)
                .toList();
    }

    /** The process id of the running bridge. */
    long bridge() {
        Outcome status = migrate("status", "-o", "json").ok();
        return JsonParser.parseString(status.out())
                .getAsJsonObject()
                .get("bridgePid")
                .getAsLong();
    }

    /**
     * Kills the bridge, and before it its keeper, which would start it again; it is stopped first, for it would start
     * another keeper. When this returns nobody listens any more.
     */
    void killBridgeForGood() {
        ProcessFacts bridge = ProcessFacts.of(bridge());
        Signal.STOP.to(bridge.pid());
        ProcessFacts.withCommand("jshim-keeper", node.state().toString()).forEach(Signal.KILL::to);
        Signal.KILL.to(bridge.pid());
        Wait.until("the bridge has ended", () -> !bridge.alive());
    }

    /** Says what a person would read: a line or two, and no stack trace. */
    static void assertReadable(Outcome outcome) {
        assertThat(outcome.err()).doesNotContain("Exception", "\tat ");
        assertThat(outcome.out()).doesNotContain("Exception", "\tat ");
    }
}
