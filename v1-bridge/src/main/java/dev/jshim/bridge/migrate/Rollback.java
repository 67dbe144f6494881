package dev.jshim.bridge.migrate;

import dev.jshim.bridge.end.Cleanup;
import dev.jshim.bridge.journal.Journal;
import dev.jshim.bridge.journal.JournalEntry;
import dev.jshim.bridge.journal.JournalEntry.Step;
import dev.jshim.bridge.record.AdoptedBundle;
import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.bridge.record.Directories;
import dev.jshim.node.bundle.Bundle;
import dev.jshim.node.survey.Node;
import dev.jshim.node.survey.TaskSurvey;
import dev.jshim.shim.keeper.FaultPoint;
import dev.jshim.task.ProcessStatus;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The work of {@code rollback}: what the journal or a bundle's own record says was added, and nothing else. Can be
 * repeated: the journal goes last.
 */
record Rollback(BridgePaths paths, Path journalFile, BridgeService bridge, Duration timeout, Progress progress) {
    /** What {@link #run} would do; changes nothing. */
    Report plan() throws IOException {
        List<Report.Row> rows = new ArrayList<>();
        var added = added(Journal.read(journalFile));
        added.forEach((task, record) -> rows.add(row(task, record, true)));
        rows.addAll(left(added.keySet()));
        return new Report(rows, List.of(), true);
    }

    /** Takes all away. */
    Report run() throws IOException {
        var entries = Journal.read(journalFile);
        var added = added(entries);
        if (!Files.exists(journalFile) && added.isEmpty()) {
            Finish.removeHome(journalFile);
            return new Report(List.of(), List.of("Nothing was adopted here."), true);
        }
        if (bridge.client().living() == null) {
            progress.line("no bridge runs");
        } else if (bridge.client().isWatched()) {
            // Of whatever version and on whatever address: each connection that ends is a container's end to it.
            throw new MigrationException("a running containerd has the adopted containers loaded and would"
                    + " report each as exited: stop it first");
        }
        refuseNewLife();
        try (var journal = Journal.open(journalFile)) {
            journal.add(JournalEntry.of(Step.ROLL_BACK));
        } catch (IOException e) {
            // A full disk must not be in the way of a rollback, which needs no entry to be repeated.
            progress.line(Preflight.reason(e));
        }
        FaultPoint.at("rollback-begun");
        if (bridge.stop() != 0) {
            progress.line("stopped the bridge");
        }
        FaultPoint.at("rollback-stopped");
        List<Report.Row> rows = new ArrayList<>();
        for (var entry : added.entrySet()) {
            progress.count(rows.size(), added.size());
            rows.add(row(entry.getKey(), entry.getValue(), false));
        }
        progress.count(rows.size(), added.size());
        var complete = rows.stream().noneMatch(Report.Row::isRefused);
        if (complete) {
            removeDirectories(entries);
            FaultPoint.at("rollback-directories");
            // Whoever looks after it may have started it again meanwhile.
            bridge.stopForGood();
            Cleanup.finishDeleted(paths);
            paths.removeFiles();
            FaultPoint.at("rollback-bridge-files");
            Files.deleteIfExists(journalFile);
            FaultPoint.at("rollback-journal");
            Finish.removeHome(journalFile);
        }
        rows.addAll(left(added.keySet()));
        var next = complete
                ? "Start the old containerd on the same root and state directories."
                : "Fix what was refused, and run rollback again.";
        return new Report(rows, List.of(next), complete);
    }

    /**
     * Refuses a way back while a container lives that containerd 2.x has started again under the v1 runtime's name: one
     * that was restarted in an adopted pod, or whose old record was started again. They are tasks of a v2 shim. A 1.x
     * daemon looks for their tasks in the v1 runtime alone (1.6.20, services/tasks/local.go getRuntime): it would take
     * them for exited, start others in their place, and remove their root file systems while they run.
     *
     * @throws MigrationException that names them
     */
    private void refuseNewLife() throws MigrationException {
        List<Bundle> made = Node.read(paths.node()).v2().stream()
                .filter(bundle -> bundle.hasLegacyName()
                        && !AdoptedBundle.isOurs(bundle.path())
                        && !AdoptedBundle.isCopy(bundle.path()))
                .map(Bundle.class::cast)
                .toList();
        var living = new TaskSurvey(timeout)
                .of(made).stream()
                        .filter(task -> task.initLives() && task.status() != ProcessStatus.STOPPED)
                        .map(task -> task.task().toString())
                        .toList();
        if (!living.isEmpty()) {
            throw new MigrationException("containerd 2.x has started these again under the name of the v1 runtime: "
                    + String.join(", ", living) + ". The old containerd would not see them, and they would run on:"
                    + " stop and remove them while containerd 2.x runs (in Kubernetes: stop the kubelet first), then"
                    + " roll back");
        }
    }

    /**
     * What was begun to be added, by task, and what says of itself that it was added, should the journal not know it;
     * the value is null where the record cannot be read, which is no reason to leave the bundle there.
     */
    private Map<TaskId, @Nullable AdoptedRecord> added(List<JournalEntry> entries) {
        Map<TaskId, @Nullable AdoptedRecord> added = new LinkedHashMap<>();
        for (var entry : entries) {
            if (entry.step() == Step.ADOPT) {
                added.put(entry.task(), entry.record());
            }
        }
        for (var bundle : AdoptedBundle.all(Node.read(paths.node()))) {
            AdoptedRecord record = null;
            try {
                record = AdoptedRecord.read(bundle.path());
            } catch (IOException e) {
                progress.line(Preflight.reason(e));
            }
            added.put(bundle.task(), record);
        }
        return added;
    }

    /** What is done with one, or is to be done. */
    private Report.Row row(TaskId task, @Nullable AdoptedRecord record, boolean isPlan) {
        var bundle = paths.node().v2Bundle(task);
        var isThere = Files.exists(bundle);
        var isAnothers = isThere && !AdoptedBundle.isOurs(bundle);
        try {
            if (!isPlan) {
                // A bridge that was killed could not remove it, and it need not lie in the bridge's own directory.
                Files.deleteIfExists(paths.socket(task));
            }
            if (!isPlan && !isAnothers) {
                AdoptedBundle.remove(bundle);
                AdoptedBundle.removeRest(paths.node(), task);
                progress.line((isThere ? "removed " : "gone already: ") + task);
            }
        } catch (IOException e) {
            return new Report.Row(task, Report.REFUSED, Preflight.reason(e));
        }
        if (!isThere || isAnothers) {
            return new Report.Row(task, "gone", isThere ? "another container has this id now" : "");
        }
        return new Report.Row(task, isPlan ? "remove" : "removed", view(record));
    }

    /** What an old daemon will make of a container. */
    private static String view(@Nullable AdoptedRecord record) {
        if (record == null) {
            return "its record is damaged";
        }
        var shim = record.shim().isAlive();
        if (record.init().isAlive()) {
            return shim
                    ? ""
                    : "WARNING: its v1 shim is gone: the old containerd will kill it, pid "
                            + record.init().pid() + ", when it starts";
        }
        return shim ? "it has exited: its v1 shim keeps the exit code" : "it is gone, and so is its v1 shim";
    }

    /** Tasks on v2 runtimes, made under 2.x or before: they are not ours to touch. */
    private List<Report.Row> left(Set<TaskId> known) {
        return Node.read(paths.node()).v2().stream()
                .filter(bundle -> !AdoptedBundle.isOurs(bundle.path()) && !known.contains(bundle.task()))
                .map(bundle -> {
                    var binary = bundle.shimBinary();
                    var why = "runs on a v2 shim" + (binary == null ? "" : ", " + binary.getFileName());
                    return new Report.Row(
                            bundle.task(), "left", AdoptedBundle.isCopy(bundle.path()) ? AdoptedSurvey.COPY : why);
                })
                .toList();
    }

    /** On disk too, before the journal goes, which alone knows of them. */
    private static void removeDirectories(List<JournalEntry> entries) throws IOException {
        Set<Path> made = new LinkedHashSet<>();
        for (var entry : entries.reversed()) {
            if (entry.step() == Step.MAKE_DIRECTORY) {
                made.add(Path.of(entry.value("path")));
            }
        }
        for (var path : made) {
            try {
                if (Files.deleteIfExists(path)) {
                    Directories.syncParent(path);
                }
            } catch (DirectoryNotEmptyException e) {
                // Somebody else uses it by now.
            }
        }
    }
}
