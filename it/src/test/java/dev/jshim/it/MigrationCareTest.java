package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonParser;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** What a migration finds, refuses and takes back on a node that is not as it should be. */
@ParameterizedClass(name = "from containerd {0}")
@MethodSource("oneOldRelease")
class MigrationCareTest extends MigrationScenario {

    MigrationCareTest(Release old) {
        super(old);
    }

    @Test
    void verifySeesWhatTheNewDaemonWouldNot() {
        legacy("one");
        migrate("apply", "--yes").ok();
        assertThat(rows(migrate("verify", "-o", "json").ok())).containsExactly(java.util.Map.entry("one", "ok"));

        legacy("two");
        assertThat(rows(migrate("verify", "-o", "json").expect(3)))
                .containsEntry("one", "ok")
                .containsEntry("two", "missing");
        node.stop();
        migrate("apply", "--yes").ok();
        migrate("verify").ok();
        node.switchTo(Release.V2);
        Wait.until("containerd has loaded both", () -> migrate("verify").code() == 0);

        killBridgeForGood();
        Outcome dead = migrate("verify").expect(3);
        assertThat(dead.err()).contains("no bridge answers");
        node.stop();
        migrate("apply", "--yes").ok();
        node.start();
        Wait.until("containerd has loaded both", () -> migrate("verify").code() == 0);
        node.remove("one");
        node.remove("two");
    }

    @Test
    void deletedMeanwhile() {
        legacy("one");
        legacy("two");
        node.stop();
        migrate("apply", "--yes").ok();
        killBridgeForGood();
        node.start();
        node.remove("two");

        assertThat(rows(migrate("verify", "-o", "json").expect(3))).containsEntry("two", "wrong");
        assertThat(rows(migrate("apply", "--yes", "-o", "json").ok()))
                .containsEntry("one", "unchanged")
                .containsEntry("two", "dropped");
        assertThat(node.bundle("two")).doesNotExist();
        // The id may be used again.
        ProcessFacts again = legacy("two");
        assertThat(rows(migrate("apply", "--yes", "-o", "json").ok())).containsEntry("two", "adopted");
        node.switchTo(Release.V2);
        assertThat(node.init("two")).isEqualTo(again);
        node.remove("one");
        node.remove("two");
    }

    /** The containers have been used under 2.x, one has ended there, one was replaced, one is new. */
    @Test
    void backAfterLifeUnderTheNewDaemonAndForwardAgain() {
        Trio trio = Trio.start(node);
        Streams ending = endsOnRequest("ending", 9);
        legacy("replaced");
        upgrade();
        node.exec(Trio.COUNTER, "e", "/bin/true").ok();
        ending.write("now");
        Wait.until("it has ended", () -> Tasks.of(node).get("ending").status().equals("STOPPED"));
        node.remove("replaced");
        ProcessFacts replaced = node.runDetached(Product.RUNTIME, "replaced", "/bin/sleep", "1000");
        ProcessFacts born = node.runDetached(Product.RUNTIME, "born", "/bin/sleep", "1000");
        node.stop();

        Outcome plan = migrate("rollback", "-o", "json").ok();
        assertThat(rows(plan)).containsEntry("ending", "remove").containsEntry("born", "left");
        assertThat(row(plan, "ending").get("reason").getAsString()).contains("has exited");
        assertThat(node.bundle("ending")).as("only shown").exists();
        Outcome back = migrate("rollback", "--yes", "-o", "json").ok();
        assertThat(rows(back))
                .containsEntry(Trio.COUNTER, "removed")
                .containsEntry("ending", "removed")
                .containsEntry("replaced", "gone")
                .containsEntry("born", "left");
        assertThat(node.bundle("born")).exists();
        trio.unharmed();
        node.switchTo(old);
        Trio.IDS.forEach(id -> assertThat(node.init(id)).isEqualTo(trio.process(id)));
        assertThat(Tasks.of(node).get("ending").status()).isEqualTo("STOPPED");
        assertThat(born.alive()).isTrue();
        assertThat(replaced.alive()).isTrue();

        upgrade();
        trio.listed(node);
        trio.unharmed();
        assertThat(node.ctr("task", "rm", "ending").ok().err()).contains("exit code 9");
        node.ctr("container", "rm", "ending").ok();
        assertThat(born.alive()).isTrue();
        node.remove("born");
        node.remove("replaced");
        trio.remove(node);
    }

    @Test
    void finishWhenTheLastIsGone() {
        legacy("one");
        upgrade();
        assertThat(rows(migrate("finish", "--yes", "-o", "json").expect(3))).containsEntry("one", "refused");
        node.remove("one");
        Wait.until("the bridge lets go of it", () -> migrate("finish").code() == 0);
        assertThat(node.root().resolve("jshim")).exists();

        migrate("finish", "--yes").ok();

        assertThat(node.root().resolve("jshim")).doesNotExist();
        assertThat(node.state().resolve("jshim")).doesNotExist();
        node.run(Product.RUNTIME, "new", "/bin/true").ok();
    }

    @Test
    void fullDiskAndReadOnlyRoot() throws Exception {
        Trio trio = Trio.start(node);
        node.stop();
        Outcome readOnly = Product.ctl(
                node,
                List.of(
                        "unshare",
                        "--mount",
                        "sh",
                        "-c",
                        "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\" && exec \"$@\"",
                        node.root().toString()),
                "migrate",
                "apply",
                "--yes");
        assertThat(readOnly.expect(1).err()).contains("cannot be written").contains("nothing was changed");

        Path home = Files.createDirectories(node.root().resolve("jshim"));
        tmpfs(home, "4k");
        Files.writeString(home.resolve("full"), "x".repeat(4096));
        try {
            Outcome full = migrate("apply", "--yes").expect(1);
            assertThat(full.err()).contains("the journal").contains("No space left");
            assertReadable(full);
            trio.unharmed();
        } finally {
            unmount(home);
        }
        // The bundles do not fit.
        Path bundles = Files.createDirectories(node.state().resolve("io.containerd.runtime.v2.task"));
        tmpfs(bundles, "16k");
        try {
            Outcome full = migrate("apply", "--yes").expect(3);
            assertThat(full.out()).contains("No space left");
            assertReadable(full);
            trio.unharmed();
        } finally {
            unmount(bundles);
        }
        migrate("apply", "--yes").ok();
        node.switchTo(Release.V2);
        trio.listed(node);
        trio.unharmed();
        trio.remove(node);
    }

    private static void tmpfs(Path folder, String size) {
        Run.of(List.of("mount", "-t", "tmpfs", "-o", "size=" + size, "tmpfs", folder.toString()))
                .run()
                .ok();
    }

    private static void unmount(Path folder) {
        Run.of(List.of("umount", folder.toString())).run().ok();
    }

    /** A reboot leaves the journal, and nothing of what it speaks of. */
    @Test
    void rebootedWithTheStateOnTmpfs() throws Exception {
        List<ProcessFacts> inits = List.of(legacy("one"), legacy("two"));
        List<Long> shims = inits.stream().map(ProcessFacts::parent).toList();
        upgrade();
        node.kill9();
        node.forgiveStaleSockets();
        killBridgeForGood();
        shims.forEach(Signal.KILL::to);
        inits.forEach(init -> Signal.KILL.to(init.pid()));
        Wait.until("all processes are gone", () -> inits.stream().noneMatch(ProcessFacts::alive));
        for (String id : List.of("one", "two")) {
            Debris.clear(node, id);
        }
        Run.of(List.of(
                        "sh",
                        "-c",
                        "awk -v d=\"$0/\" 'index($2, d) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r umount -l;"
                                + " rm -rf --one-file-system \"$0\"/*",
                        node.state().toString()))
                .run()
                .ok();

        assertThat(rows(migrate("plan", "-o", "json").ok())).isEmpty();
        migrate("status").ok();
        migrate("verify").ok();
        migrate("finish").ok();
        assertThat(rows(migrate("apply", "--yes", "-o", "json").ok())).isEmpty();
        node.start();
        assertThat(Tasks.of(node).tasks()).isEmpty();
        // Their records are there: they can be started, by what serves the old runtime's name.
        node.ctr("container", "rm", "one").ok();
        node.ctr("container", "rm", "two").ok();
        node.stop();
        migrate("rollback", "--yes").ok();
        try (Stream<Path> left = Files.walk(node.root().resolve("io.containerd.runtime.v2.task"))) {
            assertThat(left.map(path -> path.getFileName().toString())).doesNotContain("one", "two");
        } catch (java.nio.file.NoSuchFileException e) {
            assertThat(e).hasMessageContaining("io.containerd.runtime.v2.task");
        }
    }

    @Test
    void damagedJournalHasAWayOut() throws Exception {
        ProcessFacts one = legacy("one");
        migrate("apply", "--yes").ok();
        Path journal = node.root().resolve("jshim/journal");
        Files.writeString(journal, Files.readString(journal).replace("\"step\":\"adopted\"", "\"step\":\"adopteD\""));
        node.stop();

        for (String command : List.of("apply", "rollback")) {
            Outcome refused = migrate(command, "--yes").expect(1);
            assertThat(refused.err()).contains("damaged in line").contains("--rebuild-journal");
            assertReadable(refused);
        }
        assertThat(rows(migrate("apply", "--yes", "--rebuild-journal", "-o", "json")
                        .ok()))
                .containsEntry("one", "unchanged");
        migrate("rollback", "--yes").ok();
        assertThat(node.bundle("one")).doesNotExist();
        assertThat(one.alive()).isTrue();
        assertThat(JsonParser.parseString(migrate("status", "-o", "json").ok().out())
                        .getAsJsonObject()
                        .get("bridgeRunning")
                        .getAsBoolean())
                .isFalse();
        Files.delete(journal.resolveSibling("journal.damaged"));
        Files.delete(journal.getParent());
        node.switchTo(old);
        node.remove("one");
    }
}
