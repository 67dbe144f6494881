package dev.jshim.ctl.upgrade;

import dev.jshim.ctl.cli.Cli;
import picocli.CommandLine;
import picocli.CommandLine.Command;

@Command(
        name = "migrate",
        synopsisSubcommandLabel = "COMMAND",
        description = "Move running v1 containers to the bridge, so that containerd 2.x can manage them.",
        footer = {
            "",
            "An adoption adds a v2 bundle for each v1 bundle and starts the bridge. It moves, changes and restarts nothing",
            "of v1, and can be rolled back until containerd 2.x is in charge.",
            "",
            "Examples:",
            "  jshimctl migrate plan",
            "  jshimctl migrate apply --yes"
        })
public final class MigrateCommand {
    public static CommandLine commandLine(Cli cli) {
        return new CommandLine(new MigrateCommand())
                .addSubcommand(new MigratePlanCommand(cli))
                .addSubcommand(new MigrateApplyCommand(cli))
                .addSubcommand(new MigrateVerifyCommand(cli))
                .addSubcommand(new MigrateStatusCommand(cli))
                .addSubcommand(new MigrateRollbackCommand(cli))
                .addSubcommand(new MigrateFinishCommand(cli))
                .addSubcommand(new MigrateRescueCommand(cli));
    }
}
