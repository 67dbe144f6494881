package dev.jshim.bridge.migrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jshim.bridge.FakeContainer;
import dev.jshim.bridge.FakeV1Shim;
import dev.jshim.bridge.journal.Journal;
import dev.jshim.bridge.journal.JournalEntry;
import dev.jshim.bridge.journal.JournalEntry.Step;
import dev.jshim.bridge.journal.OldRuntime;
import dev.jshim.bridge.record.AdoptedNotes;
import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.bridge.serve.TestBridge;
import dev.jshim.linux.ProcessId;
import dev.jshim.node.NodePaths;
import dev.jshim.node.daemon.DaemonConfig;
import dev.jshim.proto.v1.types.Status;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MigrationTest {
    /** Until it is told to end. */
    private static final String SLEEP = "sleep 1000 & trap 'kill $!; exit' TERM; wait";

    private static final Path BINARY = Path.of("/opt/jshim/bin/containerd-shim-v1-linux");

    @TempDir
    Path folder;

    private NodePaths node;
    private FakeContainer container;
    private FakeV1Shim shim;
    private Migration migration;

    @BeforeEach
    void setUp() throws Exception {
        node = new NodePaths(folder.resolve("root"), folder.resolve("state"));
        container = new FakeContainer(node.root(), node.state(), "ns", "c");
        shim = container.serve();
        migration = migration(Duration.ofSeconds(20));
    }

    private Migration migration(Duration patience) {
        return new Migration(node, folder.resolve("none.sock"), DaemonConfig.DEFAULTS, patience, BINARY, line -> {});
    }

    @AfterEach
    void tearDown() throws Exception {
        shim.close();
        container.kill();
    }

    @Test
    void addedBundleHasWhatContainerdReads() throws Exception {
        try (var _ = TestBridge.start(node)) {
            var report = migration.apply(null, false);
            assertThat(report.complete()).isTrue();
            assertThat(report.nextSteps()).as("no containerd answers").noneMatch(step -> step.contains("Stop the old"));
        }
        var bundle = node.v2Bundle(new TaskId("ns", "c"));
        assertThat(bundle.resolve("address")).content().startsWith("unix:///").doesNotContain("\n");
        assertThat(bundle.resolve("shim-binary-path")).hasContent(BINARY.toString());
        assertThat(bundle.resolve("config.json")).hasSameTextualContentAs(container.v1Bundle.resolve("config.json"));
        assertThat(bundle.resolve("rootfs")).isEmptyDirectory();
        assertThat(Files.isSymbolicLink(bundle.resolve("rootfs"))).isFalse();
        assertThat(Files.readSymbolicLink(bundle.resolve("work"))).isEqualTo(node.v2Work(new TaskId("ns", "c")));
        assertThat(bundle.resolve("work")).isDirectory();
        assertThat(bundle.resolve("jshim.v1"))
                .hasContent(container
                        .record()
                        .text()
                        .replace(container.v1Work.resolve("runc-root").toString(), "/run/containerd/runc/ns"));
    }

    /** For the next bridge, should this one die before it hears of them again. */
    @Test
    void theExecsThatRunAreNotedWithTheAdoption() throws Exception {
        shim.states.put("w", Status.RUNNING);
        try (var _ = TestBridge.start(node)) {
            assertThat(migration.apply(null, false).complete()).isTrue();
            assertThat(AdoptedNotes.of(new BridgePaths(node), container.record())
                            .execs())
                    .isEqualTo(Map.of("w", FakeV1Shim.EXEC_PID));
        }
    }

    /** A container that has exited and was not deleted: the kernel may have given its pid to somebody. */
    @Test
    void whoHasThePidOfOneThatHasExitedIsNotTakenForIt() throws Exception {
        shim.exit("c");
        try (var _ = TestBridge.start(node)) {
            assertThat(migration.apply(null, false).rows())
                    .containsExactly(new Report.Row(new TaskId("ns", "c"), "adopted", ""));
            assertThat(migration.apply(null, false).rows())
                    .containsExactly(new Report.Row(new TaskId("ns", "c"), "unchanged", "adopted already"));
            var bundle = node.v2Bundle(new TaskId("ns", "c"));
            assertThat(AdoptedRecord.read(bundle).init()).isEqualTo(new ProcessId((int) container.init.pid(), 0));
            var notes = AdoptedNotes.of(new BridgePaths(node), AdoptedRecord.read(bundle));
            assertThat(notes.file()).exists();
            assertThat(notes.ooms()).isEqualTo(-1);
        }
    }

    /** The v1 bundle of a container that died with its shim names init by its pid alone. */
    @Test
    void whoHasThePidOfADeadOneIsNotTakenForIt() throws Exception {
        container.kill();
        Files.writeString(
                container.v1Bundle.resolve("config.json"),
                "{\"ociVersion\":\"1.0.2\",\"process\":{\"args\":[\"a\"]},\"linux\":{\"cgroupsPath\":\"/ns/c\"}}");
        Files.writeString(
                container.v1Bundle.resolve("init.pid"),
                Long.toString(ProcessHandle.current().pid()));

        assertThat(migration.plan(null).rows()).singleElement().satisfies(row -> {
            assertThat(row.action()).isEqualTo("refuse");
            assertThat(row.pid()).isZero();
        });
        assertThat(migration.verify(null).rows()).isEmpty();
        assertThat(migration.finishPlan().rows()).isEmpty();
    }

    /** One that was killed takes connections for a moment longer, and then has nobody to answer them. */
    @Test
    void aDyingBridgeIsNotTakenForOneThatRuns() throws Exception {
        Files.createDirectories(node.state().resolve("jshim"));
        var control = UnixDomainSocketAddress.of(new BridgePaths(node).control());
        try (var dying = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            dying.bind(control);
            var end = Thread.ofVirtual().start(() -> {
                try {
                    dying.accept().close();
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            });
            assertThatThrownBy(() -> migration.apply(null, false))
                    .as("it starts another one")
                    .hasMessageContaining(BINARY + " does not exist");
            end.join();
        }
    }

    @Test
    void rollbackLeavesTheTreeAsItWas() throws Exception {
        var before = tree();
        try (var _ = TestBridge.start(node)) {
            assertThat(migration.apply(null, false).rows())
                    .containsExactly(new Report.Row(new TaskId("ns", "c"), "adopted", ""));
            assertThat(migration.rollback(false).rows())
                    .containsExactly(new Report.Row(new TaskId("ns", "c"), "removed", ""));
        }
        assertThat(tree()).isEqualTo(before);
        assertThat(container.init.isAlive()).isTrue();
        assertThat(container.shim.isAlive()).isTrue();
    }

    /** A command that was killed, or a keeper, may have started it a moment ago. */
    @Test
    void rollbackEndsABridgeThatIsOnlyStarting() throws Exception {
        var ours = starting(node.state());
        var other = starting(folder.resolve("other"));
        var nested = nested();
        try (var _ = TestBridge.start(node)) {
            var _ = migration.apply(null, false);
            var _ = migration.rollback(false);
            assertThat(ours.waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(other.isAlive()).isTrue();
            assertThat(nested.isAlive())
                    .as("that of a containerd in a container, with directories of the same names")
                    .isTrue();
        } finally {
            ours.destroy();
            other.destroy();
            nested.destroy();
        }
    }

    /** With the same words, and another directory in the place of the state directory. */
    private Process nested() throws Exception {
        var ready = folder.resolve("ready");
        var process = new ProcessBuilder(
                        "unshare",
                        "--mount",
                        "--propagation",
                        "private",
                        "/bin/sh",
                        "-c",
                        "mount -t tmpfs none \"$1\" && touch \"$2\" && shift 2 && exec /bin/sh -c \"$@\"",
                        "sh",
                        node.state().toString(),
                        ready.toString(),
                        SLEEP,
                        "bridge",
                        "-root",
                        node.root().toString(),
                        "-state",
                        node.state().toString())
                .start();
        var end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (!Files.exists(ready) && System.nanoTime() < end) {
            Thread.sleep(5);
        }
        assertThat(ready).exists();
        return process;
    }

    private Process starting(Path state) throws IOException {
        return new ProcessBuilder(
                        "/bin/sh",
                        "-c",
                        SLEEP,
                        "bridge",
                        "-root",
                        node.root().toString(),
                        "-state",
                        state.toString(),
                        "-address",
                        "none")
                .start();
    }

    /** Each path with its kind, mode and content. */
    private Map<String, String> tree() throws IOException {
        Map<String, String> tree = new TreeMap<>();
        try (var paths = Files.walk(folder)) {
            for (var path : paths.toList()) {
                var kind = Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
                var content = Files.isRegularFile(path) ? Files.readString(path, StandardCharsets.ISO_8859_1) : "";
                tree.put(path.toString(), kind + " " + content);
            }
        }
        return tree;
    }

    @Test
    void applyAgainAddsOnlyWhatIsNew() throws Exception {
        try (var _ = TestBridge.start(node)) {
            var _ = migration.apply(null, false);
            var second = new FakeContainer(node.root(), node.state(), "other", "c");
            try (var _ = second.serve()) {
                assertThat(migration.apply(null, false).rows())
                        .containsExactly(
                                new Report.Row(new TaskId("ns", "c"), "unchanged", "adopted already"),
                                new Report.Row(new TaskId("other", "c"), "adopted", ""));
            } finally {
                second.kill();
            }
        }
    }

    @Test
    void interruptedApplyIsEndedByTheNextAndUndoneByRollback() throws Exception {
        var before = tree();
        try (var _ = TestBridge.start(node)) {
            var _ = migration.apply(null, false);
            var bundle = node.v2Bundle(new TaskId("ns", "c"));
            // As a crash leaves it between the making of the bundle and its rename.
            Files.move(bundle, bundle.resolveSibling(".c.jshim"));
            assertThat(migration.apply(null, false).rows())
                    .containsExactly(new Report.Row(new TaskId("ns", "c"), "adopted", ""));
            Files.move(bundle, bundle.resolveSibling(".c.jshim"));
            assertThat(migration.rollback(false).complete()).isTrue();
        }
        assertThat(tree()).isEqualTo(before);
    }

    @Test
    void brokenOnesAreRefusedEachWithItsReasonAndTheOthersGoOn() throws Exception {
        var broken = new FakeContainer(node.root(), node.state(), "ns", "broken");
        Files.writeString(broken.v1Bundle.resolve("config.json"), "{");
        var dead = new FakeContainer(node.root(), node.state(), "ns", "dead");
        var mute = new FakeContainer(node.root(), node.state(), "ns", "mute");
        var foreign = new FakeContainer(node.root(), node.state(), "ns", "foreign");
        Files.createDirectories(node.v2Bundle(new TaskId("ns", "foreign")));
        try (var _ = TestBridge.start(node);
                var _ = broken.serve();
                var silent = mute.serve();
                var _ = foreign.serve()) {
            silent.mute = true;
            var report = migration(Duration.ofSeconds(5)).apply("ns", false);
            assertThat(report.complete()).isFalse();
            assertThat(report.rows())
                    .extracting(row -> row.task().id() + " " + row.result())
                    .containsExactlyInAnyOrder(
                            "c adopted", "broken refused", "dead refused", "mute refused", "foreign refused");
            assertThat(report.rows())
                    .filteredOn(row -> row.result().equals("refused"))
                    .allSatisfy(row -> assertThat(row.reason()).isNotBlank().doesNotContain("\n"));
            assertThat(node.v2Bundle(new TaskId("ns", "mute"))).doesNotExist();
        } finally {
            for (var one : new FakeContainer[] {broken, dead, mute, foreign}) {
                one.kill();
            }
        }
    }

    @Test
    void rollbackLeavesAContainerOfTheSameIdAlone() throws Exception {
        try (var _ = TestBridge.start(node)) {
            var _ = migration.apply(null, false);
            var bundle = node.v2Bundle(new TaskId("ns", "c"));
            // The adopted one has been deleted, and containerd has made a new one of its name.
            Files.delete(bundle.resolve("jshim.v1"));
            Files.writeString(bundle.resolve("shim-binary-path"), "/usr/bin/containerd-shim-runc-v2");
            assertThat(migration.rollback(false).rows())
                    .singleElement()
                    .satisfies(row -> assertThat(row.result()).isEqualTo("gone"));
            assertThat(bundle).isDirectory();
        }
    }

    @Test
    void rollbackIsRefusedWhileAContainerLivesThatWasStartedAnewUnderTheOldName() throws Exception {
        try (var _ = TestBridge.start(node)) {
            var _ = migration.apply(null, false);
            var bundle = Files.createDirectory(node.v2Bundle(new TaskId("ns", "new")));
            Files.writeString(bundle.resolve("shim-binary-path"), BINARY.toString());
            Files.writeString(
                    bundle.resolve("init.pid"),
                    Long.toString(ProcessHandle.current().pid()));
            var before = tree();
            assertThatThrownBy(() -> migration.rollback(false))
                    .isInstanceOf(MigrationException.class)
                    .hasMessageContaining("ns/new.")
                    .hasMessageContaining("stop and remove them while containerd 2.x runs");
            assertThat(tree()).isEqualTo(before);

            Files.writeString(bundle.resolve("init.pid"), Integer.toString(Integer.MAX_VALUE));
            assertThat(migration.rollback(false).complete()).isTrue();
            assertThat(bundle).isDirectory();
        }
    }

    /** Somebody keeps a copy of a bundle beside it: no bridge serves it, and nothing takes it away. */
    @Test
    void copyOfABundleIsLeftAlone() throws Exception {
        var bundle = node.v2Bundle(new TaskId("ns", "c"));
        var copy = bundle.resolveSibling("c.bak");
        try (var _ = TestBridge.start(node)) {
            var _ = migration.apply(null, false);
        }
        copyTree(bundle, copy);
        try (var _ = TestBridge.start(node)) {
            assertThat(migration.status().rows())
                    .extracting(row -> row.task().id())
                    .containsExactly("c");
            assertThat(results(migration.verify(null).rows())).containsExactlyInAnyOrder("c ok", "c.bak copy");
            assertThat(results(migration.finishPlan().rows())).containsExactly("c refused");
            assertThat(results(migration.apply(null, false).rows())).containsExactly("c unchanged");
            assertThat(results(migration.rollbackPlan().rows())).containsExactly("c remove", "c.bak left");

            var report = migration.rollback(false);

            assertThat(results(report.rows())).containsExactly("c removed", "c.bak left");
            assertThat(report.rows().getLast().reason()).contains("copy");
            assertThat(report.complete()).isTrue();
        }
        assertThat(bundle).doesNotExist();
        assertThat(copy.resolve("jshim.v1")).isRegularFile();
        assertThat(container.init.isAlive()).isTrue();
    }

    private static List<String> results(List<Report.Row> rows) {
        return rows.stream().map(row -> row.task().id() + " " + row.result()).toList();
    }

    private static void copyTree(Path from, Path to) throws IOException {
        try (var paths = Files.walk(from)) {
            for (var path : paths.toList()) {
                Files.copy(path, to.resolve(from.relativize(path)), LinkOption.NOFOLLOW_LINKS);
            }
        }
    }

    @Test
    void rollbackWithoutAnAdoptionDoesNothing() throws Exception {
        var before = tree();
        assertThat(migration.rollback(false).rows()).isEmpty();
        assertThat(tree()).isEqualTo(before);
    }

    @Test
    void damagedJournalStopsAll() throws Exception {
        Files.createDirectories(node.root().resolve("jshim"));
        Files.writeString(node.root().resolve("jshim/journal"), "what\nis\nthis\n");
        assertThatThrownBy(() -> migration.apply(null, false))
                .isInstanceOf(MigrationException.class)
                .hasMessageContaining("damaged in line 1");
        assertThatThrownBy(() -> migration.rollback(false))
                .isInstanceOf(MigrationException.class)
                .hasMessageContaining("damaged in line 1");
    }

    @Test
    void damagedJournalIsRebuiltFromTheBundles() throws Exception {
        try (var _ = TestBridge.start(node)) {
            var _ = migration.apply(null, false);
            var journal = node.root().resolve("jshim/journal");
            Files.writeString(journal, "what\n");
            assertThat(migration.apply(null, true).rows())
                    .containsExactly(new Report.Row(new TaskId("ns", "c"), "unchanged", "adopted already"));
            assertThat(journal.resolveSibling("journal.damaged")).hasContent("what");
            Files.writeString(journal, "what again\n");
            assertThat(migration.rollback(true).rows())
                    .containsExactly(new Report.Row(new TaskId("ns", "c"), "removed", ""));
            assertThat(node.v2Bundle(new TaskId("ns", "c"))).doesNotExist();
        }
    }

    /** containerd 2.x has dropped that section of its configuration by then: nobody else knows it any more. */
    @Test
    void whatTheOldDaemonWasToldOutlivesTheDamage() throws Exception {
        var journal = node.root().resolve("jshim/journal");
        var told = JournalEntry.of(Step.OLD_DAEMON, "/etc/c.toml", "/usr/bin/gpu-runtime", "/run/gpu");
        var ended = JournalEntry.of(Step.ADOPT, new TaskId("ns", "ended"), "its runtime, should it start again");
        Files.createDirectories(journal.getParent());
        try (var written = Journal.open(journal)) {
            written.add(told);
            written.add(ended);
        }
        Files.writeString(journal, "damage\n", StandardOpenOption.APPEND);
        try (var _ = TestBridge.start(node)) {
            assertThat(migration.apply(null, true).complete()).isTrue();
        }
        assertThat(OldRuntime.daemon(Journal.read(journal))).isEqualTo(told);
        assertThat(Journal.read(journal)).contains(ended);
    }

    /** To open a FIFO would wait forever. */
    @Test
    void whateverLiesInThePlaceOfTheLock() throws Exception {
        var home = node.root().resolve("jshim");
        var fifo = new ProcessBuilder("mkfifo", home.toString()).start();
        assertThat(fifo.waitFor()).isZero();
        assertThatThrownBy(() -> migration.rollback(false))
                .isInstanceOf(MigrationException.class)
                .hasMessageContaining("is not a directory: move it away");
        Files.delete(home);
        Files.createFile(home);
        assertThatThrownBy(() -> migration.rollback(false))
                .isInstanceOf(MigrationException.class)
                .hasMessageContaining("is not a directory: move it away");
    }

    @Test
    void bundleThatTheJournalDoesNotKnowIsRolledBackToo() throws Exception {
        try (var _ = TestBridge.start(node)) {
            var _ = migration.apply(null, false);
            Files.delete(node.root().resolve("jshim/journal"));
            assertThat(migration.rollback(false).rows())
                    .containsExactly(new Report.Row(new TaskId("ns", "c"), "removed", ""));
        }
        assertThat(node.root().resolve("jshim")).doesNotExist();
    }

    @Test
    void deletedMeanwhileLeavesNoGhost() throws Exception {
        var second = new FakeContainer(node.root(), node.state(), "ns", "d");
        try (var _ = TestBridge.start(node)) {
            try (var _ = second.serve()) {
                assertThat(migration.apply(null, false).rows()).hasSize(2);
            }
        }
        // With no bridge there to see it, as an old daemon deletes it.
        second.kill();
        deleteTree(second.v1Bundle);
        try (var _ = TestBridge.start(node)) {
            assertThat(migration.apply(null, false).rows())
                    .extracting(row -> row.task().id() + " " + row.result())
                    .containsExactly("d dropped", "c unchanged");
        }
        assertThat(node.v2Bundle(new TaskId("ns", "d"))).doesNotExist();
        assertThat(node.v2Work(new TaskId("ns", "d"))).doesNotExist();
    }

    private static void deleteTree(Path tree) throws IOException {
        try (var paths = Files.walk(tree)) {
            for (var path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    @Test
    void finishSaysWhatIsLeftInTheConfigurationAndChangesNothing() throws Exception {
        var text = "version = 2\n[plugins.'io.containerd.runtime.v1.linux']\n  runtime = 'crun'\n";
        var file = Files.writeString(folder.resolve("config.toml"), text);
        container.kill();
        Files.createDirectories(node.v2State());
        var daemon = new OldDaemon(node).find(file);
        migration = new Migration(node, folder.resolve("none.sock"), daemon, Duration.ofSeconds(20), BINARY, _ -> {});
        var note = "change " + file + ":2 by hand: plugins.io.containerd.runtime.v1.linux: remove it";

        assertThat(migration.finishPlan().nextSteps()).containsExactly(note);
        assertThat(migration.finish().nextSteps()).containsExactly(note);
        assertThat(file).hasContent(text);
    }

    @Test
    void finishIsForTheUnitsOfThisStateDirectory() throws Exception {
        var systemd = folder.resolve("systemd");
        var dropIn =
                Files.createDirectories(systemd.resolve("containerd.service.d")).resolve("jshim.conf");
        var unit = systemd.resolve("jshim-bridge.service");
        Files.writeString(dropIn, "ExecStartPre=jshimctl --state " + node.state() + " bridge verify\n");
        Files.writeString(unit, "ExecStart=jshimctl --state /another bridge start\n");
        var service = new BridgeService(node, folder.resolve("none.sock"), null, Duration.ofSeconds(1), BINARY);
        var journal = node.root().resolve("jshim/journal");
        var finish = new Finish(new BridgePaths(node), journal, service, systemd, List.of(), _ -> {});
        var other = new Finish(new BridgePaths(node), journal, service, folder, List.of(), _ -> {});

        assertThat(finish.units()).containsExactly(dropIn);
        assertThat(other.units()).isEmpty();
        assertThat(finish.inTheWay())
                .singleElement()
                .satisfies(row -> assertThat(row.reason()).contains("is not adopted"));
    }

    @Test
    void missingBridgeIsSaidInOneLine() {
        assertThatThrownBy(() -> migration.apply(null, false))
                .isInstanceOf(MigrationException.class)
                .hasMessageContaining(BINARY.toString());
    }

    @Test
    void planChangesNothing() throws Exception {
        var before = tree();
        assertThat(migration.plan("ns").rows()).hasSize(1);
        assertThat(migration.plan("none").rows()).isEmpty();
        assertThat(tree()).isEqualTo(before);
    }
}
