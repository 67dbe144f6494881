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
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The work of {@code finish}: when no v1 container is left, the bridge, its files and the journal go. */
final class Finish {
    private final BridgePaths paths;
    private final Path journal;
    private final Duration timeout;

    Finish(BridgePaths paths, Path journal, Duration timeout) {
        this.paths = paths;
        this.journal = journal;
        this.timeout = timeout;
    }

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
        return new Report.Row(task, "refused", why);
    }

    /** Takes all away. Only for when nothing is in the way. Can be repeated. */
    void run() throws IOException {
        BridgeProcess.stopForGood(paths, timeout);
        Cleanup.finishAll(paths);
        paths.removeFiles();
        var home = journal.toAbsolutePath().getParent();
        if (home != null) {
            removeBackups(home.resolve("cri-status"));
        }
        Files.deleteIfExists(journal);
        removeHome(journal);
    }

    /** Of the status files that a rescue repaired, whose containers are gone by now. */
    private static void removeBackups(Path directory) throws IOException {
        if (Files.isDirectory(directory)) {
            try (var backups = Files.newDirectoryStream(directory)) {
                for (var backup : backups) {
                    Files.delete(backup);
                }
            }
            Files.delete(directory);
        }
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
