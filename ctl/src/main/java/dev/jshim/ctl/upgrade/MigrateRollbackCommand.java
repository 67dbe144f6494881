package dev.jshim.ctl.upgrade;

import dev.jshim.bridge.migrate.MigrationException;
import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.CliException;
import dev.jshim.ctl.cli.ExitCode;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "rollback",
        description = "Remove what apply added and stop the bridge; without --yes only show what would be done.",
        footer = {
            "",
            "Reads: the journal, the v2 bundles, /proc. Changes: removes the added bundles, the bridge and its files,",
            "the journal. Leaves: containers, v1 shims and bundles, and containers that were made under containerd 2.x.",
            "To undo: run apply. It works from any point and can be repeated. It is refused while a containerd 2.x answers,",
            "or any daemon is connected to the bridge: stop that daemon first."
        })
final class MigrateRollbackCommand implements Callable<Integer> {
    private final Cli cli;

    @Option(names = "--yes", description = "make the changes")
    private boolean yes;

    @Option(
            names = "--rebuild-journal",
            description = "set an unreadable journal aside, and rebuild it from the bundles on the node")
    private boolean rebuildJournal;

    MigrateRollbackCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        if (yes) {
            return Migrations.undo(cli, migration -> migration.rollback(rebuildJournal));
        }
        try {
            var _ = Migrations.write(cli, Migrations.looking(cli).rollbackPlan());
            cli.note("nothing was changed; add --yes to undo these adoptions");
            return ExitCode.OK;
        } catch (MigrationException e) {
            throw CliException.failed(e);
        }
    }
}
