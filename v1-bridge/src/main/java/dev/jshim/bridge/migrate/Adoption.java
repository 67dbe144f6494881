package dev.jshim.bridge.migrate;

import dev.jshim.bridge.journal.Journal;
import dev.jshim.bridge.journal.JournalEntry;
import dev.jshim.bridge.journal.JournalEntry.Step;
import dev.jshim.bridge.record.AdoptedBundle;
import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.bridge.record.Directories;
import dev.jshim.node.NodePaths;
import dev.jshim.shim.keeper.FaultPoint;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The work of {@code apply}: the bridge first, then one container after the other, each step in the journal before. */
record Adoption(
        NodePaths paths, Journal journal, BridgeService bridge, Path binary, Duration timeout, Progress progress) {
    private static final List<String> WHILE_IT_RUNS =
            List.of("Stop the old containerd.", "Run apply again: it adopts what was started meanwhile.");
    private static final List<String> NEXT = List.of(
            "Install containerd 2.x and start it on the same root and state directories.",
            "To go back: stop containerd 2.x, run rollback, start the old containerd.");

    /**
     * Takes ghosts away, and what a crash left of containers that are no more.
     *
     * @param before what the journal had before this adoption
     */
    List<Report.Row> sweep(List<JournalEntry> before) throws IOException {
        List<Report.Row> rows = new ArrayList<>();
        for (var task : new AdoptedSurvey(bridge.client()).ghosts()) {
            journal.add(JournalEntry.of(Step.DROP, task));
            try {
                if (bridge.client().living() != null) {
                    bridge.client().release(task);
                }
                AdoptedBundle.remove(paths.v2Bundle(task));
                rows.add(new Report.Row(task, "dropped", "its container was deleted meanwhile"));
            } catch (IOException e) {
                rows.add(new Report.Row(task, Report.REFUSED, Preflight.reason(e)));
            }
        }
        for (var entry : before) {
            if (entry.step() == Step.ADOPT
                    && !Files.exists(paths.v2Bundle(entry.task()))
                    && !Files.exists(paths.v1Bundle(entry.task()))) {
                AdoptedBundle.removeRest(paths, entry.task());
            }
        }
        return rows;
    }

    /**
     * Adopts those that are ready. One that cannot be adopted is refused, and the others go on.
     *
     * @param isContainerdUp whether the old containerd runs, and may start more
     * @throws IOException if the journal cannot be written or the bridge does not start: what was adopted before stays
     *     adopted, and apply can be run again
     */
    Report adopt(List<Candidate> candidates, boolean isContainerdUp) throws IOException {
        List<Report.Row> rows = new ArrayList<>();
        List<String> notes = new ArrayList<>();
        var isNeeded = candidates.stream().anyMatch(candidate -> candidate.record() != null);
        var bridgePid = isNeeded ? startBridge(notes) : 0;
        for (var candidate : candidates) {
            progress.count(rows.size(), candidates.size());
            var record = candidate.record();
            rows.add(
                    record == null
                            ? new Report.Row(candidate.task(), Report.REFUSED, candidate.reason())
                            : adopt(record, candidate.isAdopted(), bridgePid));
        }
        progress.count(rows.size(), candidates.size());
        var report = Report.of(rows, notes);
        if (isNeeded) {
            if (!report.complete()) {
                notes.add("First fix what was refused: containerd 2.x will not see it.");
            }
            notes.addAll(isContainerdUp ? WHILE_IT_RUNS : List.of());
            notes.addAll(NEXT);
        }
        return Report.of(rows, notes);
    }

    private int startBridge(List<String> notes) throws IOException {
        if (bridge.client().running() != null) {
            return bridge.instruct();
        }
        progress.line("starting the bridge");
        var done = bridge.start(false);
        FaultPoint.at("bridge-started");
        notes.addAll(done.notes());
        return done.pid();
    }

    private Report.Row adopt(AdoptedRecord record, boolean isAdopted, int bridgePid) throws IOException {
        var task = record.task();
        if (!isAdopted) {
            journal(record);
        }
        try {
            var socket = bridge.client().adopt(record);
            FaultPoint.at("bridge-serves");
            BridgeClient.verify(socket, record, timeout);
            if (isAdopted) {
                return new Report.Row(task, "unchanged", "adopted already");
            }
            AdoptedBundle.create(paths, record, socket, binary, bridgePid);
            adoptAgain(record);
        } catch (IOException e) {
            var reason = Preflight.reason(e, paths.root(), paths.state());
            if (!isAdopted) {
                abandon(task, reason);
            }
            progress.line("refused " + task + ": " + reason);
            return new Report.Row(task, Report.REFUSED, reason);
        }
        journal.add(JournalEntry.of(Step.ADOPTED, task));
        progress.line("adopted " + task);
        return new Report.Row(task, "adopted", "");
    }

    /**
     * Asks for it once more: a bridge that had died since may have looked for bundles before this one was there. That
     * it fails is no reason to refuse the container, since the next bridge finds the bundle.
     */
    private void adoptAgain(AdoptedRecord record) {
        try {
            var _ = bridge.client().adopt(record);
        } catch (IOException e) {
            progress.line("the bridge does not serve " + record.task() + " at the moment: " + Preflight.reason(e));
        }
    }

    /** As if it had not been begun; whatever cannot be undone here is undone by the next apply, or by a rollback. */
    private void abandon(TaskId task, String reason) {
        if (AdoptedBundle.isOurs(paths.v2Bundle(task))) {
            return; // it is in place, and only its directory could not be synced
        }
        try {
            AdoptedBundle.removeRest(paths, task);
            bridge.client().release(task);
            journal.add(JournalEntry.of(Step.ABANDONED, task, reason));
        } catch (IOException e) {
            progress.line("could not remove what was begun for " + task + ", the next apply or rollback does: "
                    + e.getMessage());
        }
    }

    /** Whatever is about to be made is in the journal before, for a rollback to find. */
    private void journal(AdoptedRecord record) throws IOException {
        var task = record.task();
        for (var path : List.of(paths.v2Bundle(task), paths.v2Work(task))) {
            for (var directory : Directories.missing(path.getParent())) {
                journal.add(JournalEntry.of(Step.MAKE_DIRECTORY, directory.toString()));
            }
        }
        journal.add(JournalEntry.of(Step.ADOPT, task, record.text()));
    }
}
