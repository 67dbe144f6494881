package dev.jshim.bridge.migrate;

import dev.jshim.bridge.journal.Journal;
import dev.jshim.bridge.journal.JournalEntry;
import dev.jshim.bridge.journal.JournalEntry.Step;
import dev.jshim.bridge.record.AdoptedBundle;
import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.bridge.record.Directories;
import dev.jshim.shim.keeper.FaultPoint;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The work of {@code apply}: the bridge first, then one container after the other, each step in the journal before. */
final class Adoption {
    private static final List<String> WHILE_IT_RUNS =
            List.of("Stop the old containerd.", "Run apply again: it adopts what was started meanwhile.");
    private static final List<String> NEXT = List.of(
            "Install containerd 2.x and start it on the same root and state directories.",
            "To go back: stop containerd 2.x, run rollback, start the old containerd.");

    private static final Duration COLD = Duration.ofSeconds(30);

    private final BridgePaths paths;
    private final Journal journal;
    private final BridgeLauncher launcher;
    private final Path binary;
    private final Duration timeout;
    private final Progress progress;

    Adoption(
            BridgePaths paths,
            Journal journal,
            BridgeLauncher launcher,
            Path binary,
            Duration timeout,
            Progress progress) {
        this.paths = paths;
        this.journal = journal;
        this.launcher = launcher;
        this.binary = binary;
        this.timeout = timeout;
        this.progress = progress;
    }

    /**
     * Adopts those that are ready. One that cannot be adopted is refused, and the others go on.
     *
     * @param isContainerdUp whether the old containerd runs, and may start more
     * @throws IOException where the journal cannot be written or the bridge does not start: what was adopted before
     *     stays adopted, and apply can be run again
     */
    Report adopt(List<Candidate> candidates, boolean isContainerdUp) throws IOException {
        List<Report.Row> rows = new ArrayList<>();
        List<String> notes = new ArrayList<>();
        if (candidates.stream().allMatch(candidate -> candidate.record() == null)) {
            candidates.forEach(candidate -> rows.add(refused(candidate)));
            return new Report(rows, notes, rows.isEmpty());
        }
        try (var bridge = bridge(notes)) {
            var pid = bridge.list().getPid();
            for (var candidate : candidates) {
                progress.count(rows.size(), candidates.size());
                var record = candidate.record();
                rows.add(record == null ? refused(candidate) : adopt(record, candidate.isAdopted(), bridge, pid));
            }
            progress.count(rows.size(), candidates.size());
        }
        var complete = rows.stream().noneMatch(Report.Row::isRefused);
        if (!complete) {
            notes.add("First fix what was refused: containerd 2.x will not see it.");
        }
        if (isContainerdUp) {
            notes.addAll(WHILE_IT_RUNS);
        }
        notes.addAll(NEXT);
        return new Report(rows, notes, complete);
    }

    private static Report.Row refused(Candidate candidate) {
        return new Report.Row(candidate.task(), "refused", candidate.reason());
    }

    private BridgeClient bridge(List<String> notes) throws IOException {
        var running = BridgeClient.running(paths, timeout);
        if (running != null) {
            launcher.instruct(running);
            return BridgeClient.connect(paths, timeout);
        }
        progress.line("starting the bridge");
        var pid = launcher.start();
        FaultPoint.at("bridge-started");
        notes.addAll(BridgeLauncher.leaveCgroups(pid));
        // Its first answers come from a cold JVM, on a machine that may be busy.
        return BridgeClient.connect(paths, timeout.compareTo(COLD) > 0 ? timeout : COLD);
    }

    private Report.Row adopt(AdoptedRecord record, boolean isAdopted, BridgeClient bridge, int bridgePid)
            throws IOException {
        var task = record.task();
        if (!isAdopted) {
            journal(record);
        }
        try {
            var socket = bridge.adopt(record);
            FaultPoint.at("bridge-serves");
            BridgeClient.verify(socket, record, timeout);
            if (isAdopted) {
                return new Report.Row(task, "unchanged", "adopted already");
            }
            AdoptedBundle.create(paths.node(), record, socket, binary, bridgePid);
            adoptAgain(record, bridge);
        } catch (IOException e) {
            var reason = Reason.of(e);
            for (var shortage : Preflight.shortages(
                    List.of(paths.node().root(), paths.node().state()))) {
                reason += "; " + shortage;
            }
            if (!isAdopted) {
                abandon(task, bridge, reason);
            }
            progress.line("refused " + task + ": " + reason);
            return new Report.Row(task, "refused", reason);
        }
        journal.add(JournalEntry.of(Step.ADOPTED, task));
        progress.line("adopted " + task);
        return new Report.Row(task, "adopted", "");
    }

    /**
     * Asks for it once more: a bridge that had died since may have looked for bundles before this one was there. That
     * it fails is no reason to refuse the container, since the next bridge finds the bundle.
     */
    private void adoptAgain(AdoptedRecord record, BridgeClient bridge) {
        try {
            var _ = bridge.adopt(record);
        } catch (IOException e) {
            progress.line("the bridge does not serve " + record.task() + " at the moment: " + Reason.of(e));
        }
    }

    /** As if it had not been begun; whatever cannot be undone here is undone by the next apply, or by a rollback. */
    private void abandon(TaskId task, BridgeClient bridge, String reason) {
        if (AdoptedBundle.isOurs(paths.node().v2Bundle(task))) {
            return; // it is in place, and only its directory could not be synced
        }
        try {
            AdoptedBundle.removeRest(paths.node(), task);
            bridge.release(task);
            journal.add(JournalEntry.of(Step.ABANDONED, task, reason));
        } catch (IOException e) {
            progress.line("could not remove what was begun for " + task + ", the next apply or rollback does: "
                    + e.getMessage());
        }
    }

    /** Whatever is about to be made is in the journal before, for a rollback to find. */
    private void journal(AdoptedRecord record) throws IOException {
        var task = record.task();
        for (var path : List.of(paths.node().v2Bundle(task), paths.node().v2Work(task))) {
            for (var directory : Directories.missing(path.getParent())) {
                journal.add(JournalEntry.of(Step.MAKE_DIRECTORY, directory.toString()));
            }
        }
        journal.add(JournalEntry.of(Step.ADOPT, task, record.text()));
    }
}
