package dev.jshim.ctl.upgrade;

import dev.jshim.ctl.cli.Cli;
import picocli.CommandLine;
import picocli.CommandLine.Command;

@Command(
        name = "shim",
        synopsisSubcommandLabel = "COMMAND",
        description = "Change jshim's own shims; \"ls\", \"inspect\" and \"top\" show them.",
        footer = {
            "",
            "If a shim's JVM dies, its keeper starts another one, and neither containerd nor a container notices.",
            "\"inspect\" shows how often that happened, and why.",
            "",
            "Examples:",
            "  /opt/jshim-NEW/bin/jshimctl shim replace --all",
            "  jshimctl shim replace web"
        })
public final class ShimCommand {
    private ShimCommand() {}

    public static CommandLine commandLine(Cli cli) {
        return new CommandLine(new ShimCommand()).addSubcommand(new ShimReplaceCommand(cli));
    }
}
