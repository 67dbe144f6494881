package dev.jshim.bridge.migrate;

import dev.jshim.bridge.journal.Journal;
import dev.jshim.bridge.journal.JournalEntry;
import dev.jshim.bridge.journal.JournalEntry.Step;
import dev.jshim.bridge.record.AdoptedBundle;
import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.node.bundle.V1Bundle;
import dev.jshim.node.bundle.V2Bundle;
import dev.jshim.node.survey.Node;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Adopted bundles whose container is no more: the old daemon has deleted it, and perhaps made another one of its id.
 * The bridge drops them by itself while it runs; this is for those that went while it did not.
 */
final class Ghosts {
    private final BridgePaths paths;
    private final Duration timeout;

    Ghosts(BridgePaths paths, Duration timeout) {
        this.paths = paths;
        this.timeout = timeout;
    }

    /** The ghosts among the bundles that there are now. */
    List<TaskId> find() {
        var node = Node.read(paths.node());
        return AdoptedBundle.all(node).stream()
                .filter(bundle -> isGhost(bundle, node.v1(bundle.task())))
                .map(V2Bundle::task)
                .toList();
    }

    private static boolean isGhost(V2Bundle bundle, @Nullable V1Bundle v1) {
        var record = AdoptedRecord.readable(bundle.path());
        // What is wrong with one that cannot be read the scan says.
        if (record == null || record.shim().isAlive() || record.init().isAlive()) {
            return false;
        }
        // A v1 bundle with the same init is the container's own: it has died, and containerd is to hear of it.
        return v1 == null || (v1.initPid() != 0 && v1.initPid() != record.init().pid());
    }

    /** Takes ghosts away, and what a crash left of containers that are no more. */
    List<Report.Row> sweep(Journal journal, List<JournalEntry> entries) throws IOException {
        List<Report.Row> rows = new ArrayList<>();
        for (var task : find()) {
            journal.add(JournalEntry.of(Step.DROP, task));
            try {
                release(task);
                AdoptedBundle.remove(paths.node().v2Bundle(task));
                rows.add(new Report.Row(task, "dropped", "its container was deleted meanwhile"));
            } catch (IOException e) {
                rows.add(new Report.Row(task, "refused", Reason.of(e)));
            }
        }
        for (var task : half(entries)) {
            AdoptedBundle.removeRest(paths.node(), task);
        }
        return rows;
    }

    /** Those that were begun and are neither there nor to be adopted now. */
    private List<TaskId> half(List<JournalEntry> entries) {
        return entries.stream()
                .filter(entry -> entry.step() == Step.ADOPT)
                .map(JournalEntry::task)
                .distinct()
                .filter(task -> !Files.exists(paths.node().v2Bundle(task))
                        && !Files.exists(paths.node().v1Bundle(task)))
                .toList();
    }

    private void release(TaskId task) throws IOException {
        if (Files.exists(paths.control())) {
            try (var bridge = BridgeClient.connect(paths, timeout)) {
                bridge.release(task);
            } catch (IOException e) {
                BridgeProcess.refuseAlive(paths, e);
            }
        }
    }
}
