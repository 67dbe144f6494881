package dev.jshim.ctl.upgrade;

import dev.jshim.bridge.migrate.MigrationException;
import dev.jshim.bridge.migrate.RestartCommands;
import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.CliException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "rescue",
        description = "Bring back v1 containers that an upgrade without apply has lost; without --yes only show them.",
        footer = {
            "",
            "Reads: what plan reads, the records of the running containerd, the containers' layers and networks, CRI's",
            "status files. Changes: stops containerd, does what apply does, repairs CRI's status files of what it adopts",
            "(as they were: ROOT/jshim/cri-status), starts containerd, verifies. Interrupted, it is run again.",
            "To undo: stop containerd, migrate rollback. In Kubernetes stop the kubelet first. Look while containerd 2.x",
            "still runs. What it has deleted, such as a record, a layer or a network, cannot be rescued; the command reports",
            "that for each container, and exits with 3."
        })
final class MigrateRescueCommand implements Callable<Integer> {
    private final Cli cli;

    @Option(names = "--yes", description = "make the changes")
    private boolean yes;

    @Option(
            names = "--rebuild-journal",
            description = "set an unreadable journal aside, and rebuild it from the bundles on the node")
    private boolean rebuildJournal;

    @Option(
            names = "--stop",
            paramLabel = "CMD",
            description = "stops containerd (default: ${DEFAULT-VALUE})",
            defaultValue = "systemctl stop containerd")
    private String stop = "";

    @Option(
            names = "--start",
            paramLabel = "CMD",
            description = "starts containerd (default: ${DEFAULT-VALUE})",
            defaultValue = "systemctl start containerd")
    private String start = "";

    MigrateRescueCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        if (yes) {
            return Migrations.change(
                    cli, migration -> migration.rescue(new RestartCommands(stop, "", start, ""), rebuildJournal));
        }
        try {
            var plan = Migrations.reading(cli).rescuePlan();
            cli.note(
                    plan.rows().isEmpty()
                            ? "no v1 container is lost"
                            : "nothing was changed; add --yes to make the changes");
            return Migrations.write(cli, plan);
        } catch (MigrationException e) {
            throw CliException.failed(e);
        }
    }
}
