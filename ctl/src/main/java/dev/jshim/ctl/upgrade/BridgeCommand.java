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
            "If the bridge dies, its keeper starts it again, and containerd does not notice. If you stop it while containerd",
            "2.x runs, containerd considers all adopted tasks ended until both are started again. So stop containerd",
            "first, and start it last.",
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
