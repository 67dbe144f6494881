package dev.jshim.ctl;

import picocli.CommandLine;
import picocli.CommandLine.Command;

@Command(
        name = "bridge",
        synopsisSubcommandLabel = "COMMAND",
        description = "Run the bridge, the one process that serves all adopted v1 containers of a containerd.",
        footer = {
            "",
            "While a containerd 2.x runs, every end of the bridge but \"replace\" is the end of all adopted tasks for",
            "containerd, until both were started again: stop containerd first, and start it last.",
            "",
            "Examples:",
            "  jshimctl bridge status",
            "  jshimctl bridge verify && systemctl start containerd",
            "  /opt/jshim-NEW/bin/jshimctl bridge replace"
        })
final class BridgeCommand {
    static CommandLine commandLine(Cli cli) {
        return new CommandLine(new BridgeCommand())
                .addSubcommand(new BridgeStartCommand(cli))
                .addSubcommand(new BridgeStatusCommand(cli))
                .addSubcommand(new BridgeVerifyCommand(cli))
                .addSubcommand(new BridgeReplaceCommand(cli))
                .addSubcommand(new BridgeStopCommand(cli));
    }
}
