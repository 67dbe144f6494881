package dev.jshim.bridge.migrate;

import dev.jshim.bridge.end.Cleanup;
import dev.jshim.bridge.record.AdoptedBundle;
import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.bridge.record.Directories;
import dev.jshim.node.daemon.ConfigForecast;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.shim.ShimProcesses;
import dev.jshim.node.survey.Node;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The work of {@code finish}: when no v1 container is left, the bridge, its files and the journal go.
 *
 * @param systemd {@code /etc/systemd/system}
 * @param configuration containerd's files, of which none is changed
 */
record Finish(
        BridgePaths paths,
        Path journal,
        BridgeService bridge,
        Path systemd,
        List<Path> configuration,
        Progress progress) {
    /** What is in the way; and what goes, and what of containerd's configuration is of no use any more. */
    Report plan() throws IOException {
        var rows = inTheWay();
        List<String> notes = new ArrayList<>();
        units().forEach(unit -> notes.add("remove " + unit));
        notes.addAll(useless());
        return new Report(rows, notes, rows.isEmpty());
    }

    /** Takes all away if nothing is in the way. Can be repeated. */
    Report run() throws IOException {
        var plan = plan();
        if (!plan.complete()) {
            return plan;
        }
        var next = useless();
        var units = units();
        for (var unit : units) {
            Files.delete(unit);
            progress.line("removed " + unit);
        }
        if (!units.isEmpty()) {
            next.add("Run systemctl daemon-reload.");
        }
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
        return new Report(List.of(), next, true);
    }

    /** What of containerd's configuration names the v1 runtime: where, and what to do. */
    private List<String> useless() throws IOException {
        List<String> notes = new ArrayList<>();
        if (!configuration.isEmpty()) {
            for (var found : ConfigForecast.ofV1Runtime(configuration.getFirst())) {
                notes.add("change " + found.where() + " by hand: " + found.key() + ": " + found.todo());
            }
        }
        return notes;
    }

    /** What is in the way: a row for each container that still needs the bridge, or might. */
    List<Report.Row> inTheWay() {
        List<Report.Row> rows = new ArrayList<>();
        var node = Node.read(paths.node());
        for (var bundle : AdoptedBundle.all(node)) {
            rows.add(new Report.Row(
                    bundle.task(), Report.REFUSED, "is adopted: it needs the bridge until it is deleted"));
        }
        var processes = new ShimProcesses(ProcFs.system());
        for (var bundle : node.v1()) {
            var isAdopted = AdoptedBundle.isOurs(paths.node().v2Bundle(bundle.task()));
            var init = processes.verifiedInit(bundle, processes.of(bundle));
            if (!isAdopted && init != null && !init.hasEnded()) {
                rows.add(new Report.Row(
                        bundle.task(),
                        Report.REFUSED,
                        "runs on the v1 runtime and is not adopted: see verify and rescue"));
            }
        }
        return rows;
    }

    /**
     * systemd's files of ours that are for this state directory, the drop-in of containerd's unit first: it names the
     * other.
     */
    List<Path> units() throws IOException {
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
