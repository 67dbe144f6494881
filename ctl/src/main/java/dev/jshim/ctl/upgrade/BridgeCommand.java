package dev.jshim.ctl.upgrade;

import dev.jshim.ctl.cli.Cli;
import picocli.CommandLine;
import picocli.CommandLine.Command;

@Command(
        name = "bridge",
        synopsisSubcommandLabel = "COMMAND",
        description = "Run the bridge, the one process that serves all adopted v1 containers of a containerd.",
        footer = {
            "",
            "A bridge that dies is started again by its keeper, and containerd does not notice. To stop it while a",
            "containerd 2.x runs is the end of all adopted tasks for containerd, until both were started again: stop",
            "containerd first, and start it last.",
            "",
            "Examples:",
            "  jshimctl bridge status",
            "  jshimctl bridge verify && systemctl start containerd",
            "  /opt/jshim-NEW/bin/jshimctl bridge replace"
        })
public final class BridgeCommand {
    public static CommandLine commandLine(Cli cli) {
        return new CommandLine(new BridgeCommand())
                .addSubcommand(new BridgeStartCommand(cli))
                .addSubcommand(new BridgeStatusCommand(cli))
                .addSubcommand(new BridgeVerifyCommand(cli))
                .addSubcommand(new BridgeReplaceCommand(cli))
                .addSubcommand(new BridgeStopCommand(cli));
    }
}
