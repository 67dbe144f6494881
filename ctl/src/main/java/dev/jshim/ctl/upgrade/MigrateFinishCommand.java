package dev.jshim.ctl.upgrade;

import dev.jshim.bridge.migrate.Migration;
import dev.jshim.bridge.migrate.MigrationException;
import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.CliException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "finish",
        description =
                "Remove the bridge and the journal when no v1 container is left; without --yes only show what is left.",
        footer = {
            "",
            "Reads: the bundles, /proc, the units in /etc/systemd/system, and containerd's config.toml. Changes: ends the",
            "bridge, removes its files, its unit and drop-in, the journal. It lists the lines of config.toml that name the",
            "v1 runtime, for you to change. It refuses and exits with 3 while a v1 container is left. There is no undo, and",
            "none is needed."
        })
final class MigrateFinishCommand implements Callable<Integer> {
    private final Cli cli;

    @Option(names = "--yes", description = "make the changes")
    private boolean yes;

    MigrateFinishCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        if (yes) {
            return Migrations.change(cli, Migration::finish);
        }
        try {
            var plan = Migrations.reading(cli).finishPlan();
            if (plan.complete()) {
                cli.note("no v1 container is left; add --yes to remove the bridge and the journal");
            }
            return Migrations.write(cli, plan);
        } catch (MigrationException e) {
            throw CliException.failed(e);
        }
    }
}
