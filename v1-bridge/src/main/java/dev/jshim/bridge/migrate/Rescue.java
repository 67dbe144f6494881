package dev.jshim.bridge.migrate;

import dev.jshim.bridge.record.AdoptedBundle;
import dev.jshim.node.NodePaths;
import dev.jshim.node.survey.Node;
import dev.jshim.shim.keeper.FaultPoint;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The work of {@code rescue}, once it is known what can come back. Each step can be repeated. */
final class Rescue {
    private static final int STEPS = 4;

    private final Migration migration;
    private final Restart restart;
    private final NodePaths paths;
    private final Path backups;
    private final Progress progress;

    /** @param backups the directory for CRI's status files as they were */
    Rescue(Migration migration, Restart restart, NodePaths paths, Path backups, Progress progress) {
        this.migration = migration;
        this.restart = restart;
        this.paths = paths;
        this.backups = backups;
        this.progress = progress;
    }

    /**
     * Does it.
     *
     * @param plan what {@link Migration#rescuePlan} says
     * @throws MigrationException where it does not come to its end; its message says how things stand
     */
    Report run(Report plan) throws MigrationException {
        List<Report.Row> rows = plan.rows().stream()
                .filter(row -> row.result().equals(RescueSurvey.BEYOND))
                .toList();
        Set<TaskId> beyond = new HashSet<>();
        rows.forEach(row -> beyond.add(row.task()));
        try {
            progress.step(1, STEPS, "stop containerd");
            restart.stop();
            progress.step(2, STEPS, "adopt what it has lost");
            var report = migration.apply(null, false, beyond);
            FaultPoint.at("rescue-adopted");
            progress.step(3, STEPS, "repair what CRI has on record");
            repair();
            FaultPoint.at("rescue-repaired");
            progress.step(4, STEPS, "start containerd, and verify");
            restart.start(beyond);
            List<Report.Row> all = new ArrayList<>(report.rows());
            all.addAll(rows);
            return new Report(all, List.of(), report.complete() && beyond.isEmpty());
        } catch (IOException | MigrationException e) {
            var why = e instanceof IOException io ? Reason.of(io) : String.valueOf(e.getMessage());
            throw new MigrationException(
                    why + "; adopted containers stay adopted"
                            + (restart.isStopped()
                                    ? ", and containerd is stopped: fix that and run rescue again, which starts it,"
                                            + " or rollback"
                                    : ": fix that and run rescue again, or rollback"),
                    e);
        }
    }

    /** Of one that has exited, too: containerd takes the exit code from the task then. */
    private void repair() throws IOException {
        for (var bundle : AdoptedBundle.all(Node.read(paths))) {
            var id = bundle.task().id();
            var status = CriStatus.of(paths.root(), id);
            if (status.isExited()) {
                status.repair(backups.resolve(id));
                progress.line("repaired " + status.file());
            }
        }
    }
}
