package dev.jshim.ctl;

import dev.jshim.bridge.migrate.MigrationException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "finish",
        description = "Remove the bridge and the journal when no v1 container is left; without --yes only look.",
        footer = {
            "",
            "Reads: the bundles, /proc. Changes: ends the bridge, removes its files and the journal.",
            "There is nothing to undo then; it is refused, with 3, while a v1 container is left."
        })
final class MigrateFinishCommand implements Callable<Integer> {
    private final Cli cli;

    @Option(names = "--yes", description = "do it")
    private boolean yes;

    MigrateFinishCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        try {
            if (yes) {
                return Migrations.write(cli, Migrations.changing(cli).finish());
            }
            var plan = Migrations.reading(cli).finishPlan();
            if (plan.complete()) {
                cli.note("no v1 container is left; add --yes to remove the bridge and the journal");
            }
            return Migrations.write(cli, plan);
        } catch (MigrationException e) {
            throw Migrations.failed(e);
        }
    }
}
