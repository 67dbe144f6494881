package dev.jshim.ctl.upgrade;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.ExitCode;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

@Command(
        name = "replace",
        description = "Put a bridge out of this jshimctl's tree in the place of the one that runs; containerd may run.",
        footer = {
            "",
            "The keeper holds all connections meanwhile, so that containerd does not notice. If the new bridge does not",
            "come up, the keeper starts the one before again, and this exits with 1."
        })
final class BridgeReplaceCommand implements Callable<Integer> {
    private final Cli cli;

    BridgeReplaceCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        try {
            Bridges.write(cli, "replaced", Bridges.changing(cli).replace());
            return ExitCode.OK;
        } catch (IOException e) {
            throw Bridges.failed(e, "see \"jshimctl bridge status\"");
        }
    }
}
