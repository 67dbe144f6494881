package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Bundles, processes and sockets are looked at together, and where they disagree it is shown; real v1 shims. */
@ParameterizedClass(name = "containerd {0}")
@MethodSource("oldReleases")
class DiscoveryTest extends MigrationScenario {

    DiscoveryTest(Release old) {
        super(old);
    }

    @Test
    void whatHasNoBundleIsShown() throws IOException {
        legacy("fine");
        ProcessFacts lost = legacy("lost");
        ProcessFacts dead = legacy("dead");
        node.stop();
        long shim = lost.parent();
        ProcessFacts shimOfDead = ProcessFacts.of(dead.parent());
        delete(node.legacyBundle("lost"));
        Signal.KILL.to(shimOfDead.pid());
        Signal.KILL.to(dead.pid());
        Wait.until("both are dead", () -> !shimOfDead.alive() && !dead.alive());

        Outcome plan = migrate("plan", "-o", "json").expect(3);
        assertThat(rows(plan)).containsEntry("fine", "adopt").containsEntry("dead", "refuse");
        assertThat(stray(plan, "lost").get("kind").getAsString()).isEqualTo("shim-without-bundle");
        assertThat(stray(plan, "lost").get("pid").getAsLong()).isEqualTo(shim);
        assertThat(migrate("plan").expect(3).err()).contains("/lost: v1 shim " + shim + " runs");

        Signal.KILL.to(shim);
        Wait.until("it is dead", () -> lost.parent() != shim);
        Outcome ls = Product.ctl(node, "-o", "json", "ls").ok();
        assertThat(stray(ls, "lost").get("kind").getAsString()).isEqualTo("container-without-bundle");
        assertThat(stray(ls, "lost").get("pid").getAsLong()).isEqualTo(lost.pid());
        assertThat(task(ls, "dead").get("health").getAsString()).isEqualTo("dead");
        assertThat(task(ls, "fine").get("health").getAsString()).isEqualTo("ok");
        assertThat(strays(ls)).hasSize(1);

        Signal.KILL.to(lost.pid());
        Wait.until(
                "nothing lives without a bundle",
                () -> strays(Product.ctl(node, "-o", "json", "ls").ok()).isEmpty());
        Run.of(List.of("runc", "--root", "/run/containerd/runc/" + node.namespace(), "delete", "--force", "lost"))
                .run();
        node.forgiveStaleSockets();
        node.start();
        delete(node.root().resolve(Product.LEGACY).resolve(node.namespace()).resolve("lost"));
        node.ctr("container", "rm", "lost").ok();
        node.ctr("task", "rm", "-f", "dead");
        node.ctr("container", "rm", "dead").ok();
        node.remove("fine");
    }

    /** No socket fits into it; containerd and the v1 shims have theirs elsewhere, and so has the bridge then. */
    @Test
    void theStateDirectoryHasALongName() throws IOException {
        node.close();
        node = PrivateContainerd.create(old);
        node.haveLongState();
        node.start();
        ProcessFacts one = legacy("one");

        upgrade();

        String address = Files.readString(node.bundle("one").resolve("address"));
        assertThat(address).startsWith("unix:///run/jshim/");
        assertThat(node.init("one")).isEqualTo(one);
        node.exec("one", "e", "/bin/sh", "-c", "exit 3").expect(3);
        Product.ctl(node, "bridge", "replace").ok();
        Product.ctl(node, "bridge", "verify").ok();
        node.remove("one");
        Wait.until("its socket is gone", () -> !Files.exists(Path.of(address.substring("unix://".length()))));
        Wait.until("nothing of v1 is left", () -> !Files.exists(node.legacyWork("one")));
        assertThat(node.legacyBundle("one")).doesNotExist();
    }

    @Test
    void anotherContainerdsShimsAreNamed() throws IOException {
        legacy("one");
        Path elsewhere = Files.createDirectory(node.dir().resolve("elsewhere"));
        String place = elsewhere.toString();
        Outcome plan = Run.of(List.of(
                        Product.bin().resolve("jshimctl").toString(),
                        "--root",
                        place,
                        "--state",
                        place,
                        "migrate",
                        "plan"))
                .run()
                .ok();
        assertThat(plan.err()).contains("--root " + node.root() + " --state " + node.state());
        assertThat(migrate("plan").ok().err()).doesNotContain("--state " + node.state());

        // The same by containerd's own configuration.
        Path config = node.dir().resolve("config.toml");
        Outcome ls = Run.of(List.of(
                        Product.bin().resolve("jshimctl").toString(),
                        "--config",
                        config.toString(),
                        "-o",
                        "json",
                        "ls"))
                .run()
                .ok();
        assertThat(task(ls, "one").get("health").getAsString()).isEqualTo("ok");
        Files.writeString(elsewhere.resolve("broken.toml"), "version = 2\nroot = 3\n");
        Outcome broken = Product.ctl(node, "--config", elsewhere + "/broken.toml", "migrate", "plan");
        broken.expect(1);
        assertThat(broken.err()).contains("broken.toml:2: root must be a string");
        assertReadable(broken);
        node.remove("one");
    }

    private static JsonObject stray(Outcome outcome, String id) {
        return find(strays(outcome), id);
    }

    private static List<JsonElement> strays(Outcome outcome) {
        return list(outcome, "strays");
    }

    private static JsonObject task(Outcome outcome, String id) {
        return find(list(outcome, "tasks"), id);
    }

    private static List<JsonElement> list(Outcome outcome, String name) {
        return JsonParser.parseString(outcome.out())
                .getAsJsonObject()
                .get(name)
                .getAsJsonArray()
                .asList();
    }

    private static JsonObject find(List<JsonElement> rows, String id) {
        return rows.stream()
                .map(JsonElement::getAsJsonObject)
                .filter(row -> row.get("id").getAsString().equals(id))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no " + id + " in " + rows));
    }

    /** A bundle holds no more than files and an empty rootfs here. */
    private static void delete(Path bundle) throws IOException {
        try (var all = Files.walk(bundle)) {
            for (Path path : all.sorted((a, b) -> b.compareTo(a)).toList()) {
                Files.delete(path);
            }
        }
    }
}
