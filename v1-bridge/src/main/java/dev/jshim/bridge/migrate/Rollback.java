package dev.jshim.bridge.migrate;

import dev.jshim.bridge.AddedBundle;
import dev.jshim.bridge.BridgePaths;
import dev.jshim.bridge.LegacyRecord;
import dev.jshim.bridge.LiveProcess;
import dev.jshim.node.TaskId;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** The work of {@code rollback}: what the journal says was added, and nothing else. Can be repeated. */
final class Rollback {
    private static final Duration BRIDGE_ENDS = Duration.ofSeconds(10);

    private final BridgePaths paths;
    private final Path journalFile;
    private final Duration timeout;
    private final Consumer<String> progress;

    Rollback(BridgePaths paths, Path journalFile, Duration timeout, Consumer<String> progress) {
        this.paths = paths;
        this.journalFile = journalFile;
        this.timeout = timeout;
        this.progress = progress;
    }

    /**
     * Takes all away.
     *
     * @param isDaemonThere whether an old containerd answers
     */
    Report run(boolean isDaemonThere) throws IOException, MigrationException {
        var entries = Journal.read(journalFile);
        if (!Files.exists(journalFile)) {
            removeHome();
            return new Report(List.of(), List.of("Nothing was adopted here."), true);
        }
        refuseWatchedBridge(isDaemonThere);
        try (var journal = Journal.open(journalFile)) {
            journal.add(new JournalEntry.RollBack());
        }
        stopBridge();
        List<ReportRow> rows = new ArrayList<>();
        for (var record : added(entries).values()) {
            rows.add(remove(record));
        }
        var complete = rows.stream().noneMatch(row -> row.result().equals("refused"));
        if (complete) {
            // After a crash its keeper may have started it meanwhile.
            stopBridge();
            removeDirectories(entries);
            removeBridgeFiles();
            Files.delete(journalFile);
            removeHome();
        }
        var next = complete
                ? "Start the old containerd on the same root and state directories."
                : "See to what was refused, and run rollback again.";
        return new Report(rows, List.of(next), complete);
    }

    /** A 1.x daemon that has loaded the bundles takes the end of the bridge for the end of the containers. */
    private void refuseWatchedBridge(boolean isDaemonThere) throws MigrationException {
        if (!isDaemonThere) {
            return;
        }
        try (var bridge = BridgeClient.connect(paths.control(), timeout)) {
            if (bridge.list().getAdoptedList().stream().anyMatch(adopted -> adopted.getClients() > 0)) {
                throw new MigrationException("containerd runs and has the adopted containers loaded: it would report"
                        + " each as exited; stop it first");
            }
        } catch (IOException e) {
            progress.accept("no bridge answers");
        }
    }

    /** What was begun to be added, by task; the last one of an id counts. */
    private static Map<TaskId, LegacyRecord> added(List<JournalEntry> entries) throws IOException {
        Map<TaskId, LegacyRecord> added = new LinkedHashMap<>();
        for (var entry : entries) {
            if (entry instanceof JournalEntry.Adopt(var namespace, var id, var text)) {
                try {
                    added.put(new TaskId(namespace, id), LegacyRecord.parse(text));
                } catch (IllegalArgumentException e) {
                    throw new IOException("the journal's record of " + namespace + "/" + id + " is damaged", e);
                }
            }
        }
        return added;
    }

    private ReportRow remove(LegacyRecord record) {
        var task = new TaskId(record.namespace(), record.id());
        var bundle = paths.node().v2Bundle(task);
        try {
            if (Files.exists(bundle) && !AddedBundle.isOurs(bundle)) {
                return new ReportRow(task.namespace(), task.id(), "gone", "another container has this id now");
            }
            var was = Files.exists(bundle);
            AddedBundle.remove(bundle);
            AddedBundle.removeRest(paths.node(), task);
            progress.accept((was ? "removed " : "gone already: ") + task);
            return new ReportRow(task.namespace(), task.id(), was ? "removed" : "gone", "");
        } catch (IOException e) {
            return new ReportRow(task.namespace(), task.id(), "refused", String.valueOf(e.getMessage()));
        }
    }

    private void stopBridge() throws IOException {
        try (var bridge = BridgeClient.connect(paths.control(), timeout)) {
            var process = LiveProcess.find(bridge.list().getPid());
            bridge.stop();
            progress.accept("stopping the bridge");
            var end = System.nanoTime() + BRIDGE_ENDS.toNanos();
            var inThisProcess =
                    process != null && process.pid() == ProcessHandle.current().pid();
            while (process != null && !inThisProcess && LiveProcess.isAlive(process)) {
                if (System.nanoTime() > end) {
                    throw new IOException("the bridge, pid " + process.pid() + ", does not end");
                }
                Thread.sleep(20);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } catch (IOException e) {
            if (Files.exists(paths.control())) {
                refuseLivingBridge(e);
            }
        }
    }

    /** A bridge that cannot be asked may still serve: its bundles must not vanish under it. */
    private void refuseLivingBridge(IOException why) throws IOException {
        var text = Files.exists(paths.pid()) ? Files.readString(paths.pid()).strip() : "";
        try {
            var process = LiveProcess.find(Integer.parseInt(text));
            if (process != null) {
                throw new IOException("the bridge, pid " + process.pid() + ", does not stop: " + why.getMessage(), why);
            }
        } catch (NumberFormatException e) {
            progress.accept("a socket of the bridge is left, but no bridge");
        }
    }

    private static void removeDirectories(List<JournalEntry> entries) throws IOException {
        for (var entry : entries.reversed()) {
            if (entry instanceof JournalEntry.MakeDirectory(var path)) {
                try {
                    Files.deleteIfExists(path);
                } catch (DirectoryNotEmptyException e) {
                    // Somebody else uses it by now.
                }
            }
        }
    }

    private void removeBridgeFiles() throws IOException {
        paths.removeFiles();
    }

    private void removeHome() throws IOException {
        var home = journalFile.getParent();
        if (home != null) {
            Files.deleteIfExists(home.resolve("lock"));
            try {
                Files.deleteIfExists(home);
            } catch (DirectoryNotEmptyException e) {
                // Not all in it is ours.
            }
        }
    }
}
