package dev.jshim.ctl.upgrade;

import dev.jshim.bridge.migrate.MigrationException;
import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.CliException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

@Command(
        name = "verify",
        description = "Make the calls that containerd 2.x makes for each adopted container; changes nothing.",
        footer = {
            "",
            "Reads: the bundles, /proc. Asks: the bridge, each v1 shim and containerd. Changes: nothing, so there is",
            "nothing to undo.",
            "Exits with 3 if a live v1 container has no v2 bundle, an adopted one does not answer, one was deleted",
            "meanwhile, or a running containerd 2.x has not loaded it. Run it before you start containerd 2.x, and",
            "after."
        })
final class MigrateVerifyCommand implements Callable<Integer> {
    private final Cli cli;

    MigrateVerifyCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        try {
            return Migrations.writeVerified(
                    cli, Migrations.reading(cli).verify(cli.globals().namespace()));
        } catch (MigrationException e) {
            throw CliException.failed(e);
        }
    }
}
