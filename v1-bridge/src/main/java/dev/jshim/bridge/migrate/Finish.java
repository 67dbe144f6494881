package dev.jshim.bridge.migrate;

import dev.jshim.bridge.end.Cleanup;
import dev.jshim.bridge.record.AdoptedBundle;
import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.bridge.record.Directories;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.shim.ShimProcesses;
import dev.jshim.node.survey.Node;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The work of {@code finish}: when no v1 container is left, the bridge, its files and the journal go. */
record Finish(BridgePaths paths, Path journal, BridgeService bridge) {
    /** What is in the way: a row for each container that still needs the bridge, or might. */
    List<Report.Row> inTheWay() {
        List<Report.Row> rows = new ArrayList<>();
        var node = Node.read(paths.node());
        for (var bundle : AdoptedBundle.all(node)) {
            rows.add(refused(bundle.task(), "is adopted: it needs the bridge until it is deleted"));
        }
        var processes = new ShimProcesses(ProcFs.system());
        for (var bundle : node.v1()) {
            var isAdopted = AdoptedBundle.isOurs(paths.node().v2Bundle(bundle.task()));
            var init = processes.verifiedInit(bundle, processes.of(bundle));
            if (!isAdopted && init != null && !init.hasEnded()) {
                rows.add(refused(bundle.task(), "runs on the v1 runtime and is not adopted: see verify and rescue"));
            }
        }
        return rows;
    }

    /**
     * systemd's files of ours that are for this state directory, the drop-in of containerd's unit first: it names the
     * other.
     *
     * @param systemd {@code /etc/systemd/system}
     */
    List<Path> units(Path systemd) throws IOException {
        List<Path> units = new ArrayList<>();
        for (var name : List.of("containerd.service.d/jshim.conf", "jshim-bridge.service")) {
            var unit = systemd.resolve(name);
            if (Files.isRegularFile(unit)
                    && Files.readString(unit)
                            .contains(" --state " + paths.node().state() + " ")) {
                units.add(unit);
            }
        }
        return units;
    }

    private static Report.Row refused(TaskId task, String why) {
        return new Report.Row(task, Report.REFUSED, why);
    }

    /** Takes all away. Only for when nothing is in the way. Can be repeated. */
    void run() throws IOException {
        bridge.stopForGood();
        Cleanup.finishAll(paths);
        paths.removeFiles();
        // Of the status files that a rescue repaired, whose containers are gone by now.
        var backups = journal.resolveSibling(Restart.BACKUPS);
        if (Files.isDirectory(backups)) {
            Directories.removeUnmounted(backups);
        }
        Files.deleteIfExists(journal);
        removeHome(journal);
    }

    /** Removes the directory, which is the lock too, if nothing else is in it. */
    static void removeHome(Path journal) throws IOException {
        var home = journal.getParent();
        if (home != null) {
            try {
                Files.deleteIfExists(home);
                Directories.syncParent(home);
            } catch (DirectoryNotEmptyException | NoSuchFileException e) {
                // Not all in it is ours.
            }
        }
    }
}
