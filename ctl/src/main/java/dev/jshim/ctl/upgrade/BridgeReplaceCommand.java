package dev.jshim.ctl.upgrade;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.ExitCode;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

@Command(
        name = "replace",
        description = "Replace the running bridge with that of this jshimctl's tree; containerd may run.",
        footer = {
            "",
            "The keeper holds all connections meanwhile, so containerd does not notice. If the new bridge does not come up,",
            "the keeper starts the previous one again, and this command exits with 1."
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
