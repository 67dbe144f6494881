package dev.jshim.ctl;

import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "replace",
        description = "Put a bridge out of this jshimctl's tree in the place of the one that runs; containerd may run.",
        footer = {
            "",
            "The new one is started first. It then takes over the sockets, and the connections with the calls that wait",
            "on them: containerd does not notice. Where that fails the old one serves on, and this ends with 1."
        })
final class BridgeReplaceCommand implements Callable<Integer> {
    private final Cli cli;

    @Option(names = "--kept", description = "as for start")
    private boolean kept;

    BridgeReplaceCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        try {
            Bridges.write(cli, "replaced", Bridges.changing(cli).replace(kept));
            return ExitCode.OK;
        } catch (IOException e) {
            throw Bridges.failed(e, "see \"jshimctl bridge status\"");
        }
    }
}
