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
        description = "Take away what apply added and stop the bridge; without --yes only show what would be done.",
        footer = {
            "",
            "Reads: the journal, the v2 bundles, /proc. Changes: removes the added bundles, the bridge and its files,",
            "the journal. Leaves: containers, v1 shims and bundles, and containers that were made under containerd 2.x.",
            "To undo: run apply. It works from any point and can be repeated; it is refused while a containerd 2.x",
            "answers, or whatever is connected to the bridge: stop that first."
        })
final class MigrateRollbackCommand implements Callable<Integer> {
    private final Cli cli;

    @Option(names = "--yes", description = "do it")
    private boolean yes;

    @Option(
            names = "--rebuild-journal",
            description = "put a journal that cannot be read aside, and go by the bundles on the node")
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
            cli.note("nothing was changed; add --yes to take these adoptions back");
            return ExitCode.OK;
        } catch (MigrationException e) {
            throw CliException.failed(e);
        }
    }
}
