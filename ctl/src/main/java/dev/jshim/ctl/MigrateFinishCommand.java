package dev.jshim.ctl;

import dev.jshim.bridge.migrate.MigrationException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "finish",
        description = "Remove the bridge and the journal when no v1 container is left; without --yes only look.",
        footer = {
            "",
            "Reads: the bundles, /proc, the units in /etc/systemd/system, and FILE of --edit-config. Changes: ends the bridge,",
            "removes its files, its unit and drop-in, the journal; takes the v1 runtime out of FILE, comments stay, the old",
            "one is kept as FILE.jshim-backup. It is refused, with 3, while a v1 container is left. To undo: move the backup",
            "back to FILE; the rest nobody needs any more."
        })
final class MigrateFinishCommand implements Callable<Integer> {
    private final Cli cli;

    @Option(names = "--yes", description = "do it")
    private boolean yes;

    @Option(
            names = "--edit-config",
            paramLabel = "FILE",
            description = "containerd's config.toml: show what of it names the v1 runtime, and with --yes take it out")
    private @Nullable Path config;

    MigrateFinishCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        if (yes) {
            return Migrations.change(cli, migration -> migration.finish(config));
        }
        try {
            var plan = Migrations.reading(cli).finishPlan(config);
            if (plan.complete()) {
                cli.note("no v1 container is left; add --yes to remove the bridge and the journal");
            }
            return Migrations.write(cli, plan);
        } catch (MigrationException e) {
            throw Migrations.failed(e);
        }
    }
}
