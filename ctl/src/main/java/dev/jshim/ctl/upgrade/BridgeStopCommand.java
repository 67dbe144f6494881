package dev.jshim.ctl.upgrade;

import dev.jshim.bridge.migrate.MigrationException;
import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.ExitCode;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "stop",
        description = "End the bridge; containers, their v1 shims and the adopted bundles stay as they are.",
        footer = {
            "",
            "It is refused while a containerd has the adopted containers loaded: that would publish an exit of each,",
            "with 255, and know them no more. A containerd 2.x that starts while no bridge runs deletes the bundles."
        })
final class BridgeStopCommand implements Callable<Integer> {
    private final Cli cli;

    @Option(names = "--force", description = "do it though a containerd is connected")
    private boolean force;

    BridgeStopCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        try {
            var done = Bridges.changing(cli).stop(force);
            Bridges.write(cli, done.changed() ? "stopped" : "does not run", done);
            return ExitCode.OK;
        } catch (MigrationException e) {
            throw Bridges.failed(e, "or give --force, and start bridge and containerd again after it");
        } catch (IOException e) {
            throw Bridges.failed(e, "");
        }
    }
}
