package dev.jshim.ctl.upgrade;

import dev.jshim.ctl.cli.Cli;
import picocli.CommandLine;
import picocli.CommandLine.Command;

@Command(
        name = "shim",
        synopsisSubcommandLabel = "COMMAND",
        description = "Change the shims of jshim's own; \"ls\", \"inspect\" and \"top\" show them.",
        footer = {
            "",
            "A shim whose JVM dies goes on in the next one, which its keeper starts: neither containerd nor a container",
            "notices. \"inspect\" shows how often that was, and why.",
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
