package dev.jshim.ctl;

import dev.jshim.bridge.migrate.MigrationException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "apply",
        description = "Start the bridge and adopt the running v1 containers; without --yes only show the plan.",
        footer = {"", "It may be run while the old containerd runs, and again: it then adds only what is new."})
final class MigrateApplyCommand implements Callable<Integer> {
    private final Cli cli;

    @Option(names = "--yes", description = "do it")
    private boolean yes;

    @Option(
            names = "--rebuild-journal",
            description = "put a journal that cannot be read aside, and go by the bundles on the node")
    private boolean rebuildJournal;

    MigrateApplyCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        var namespace = cli.globals().namespace();
        if (!yes) {
            Migrations.write(cli, Migrations.plan(cli));
            cli.note("nothing was changed; add --yes to do it");
            return ExitCode.OK;
        }
        try {
            return Migrations.write(cli, Migrations.changing(cli).apply(namespace, rebuildJournal));
        } catch (MigrationException e) {
            throw Migrations.failed(e);
        }
    }
}
