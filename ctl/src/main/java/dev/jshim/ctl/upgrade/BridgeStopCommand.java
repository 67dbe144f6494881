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
        description = "Stop the bridge; containers, their v1 shims and the adopted bundles stay as they are.",
        footer = {
            "",
            "It is refused while a containerd has the adopted containers loaded: containerd would publish an exit with 255",
            "for each, and forget them. A containerd 2.x that starts while no bridge runs deletes the bundles."
        })
final class BridgeStopCommand implements Callable<Integer> {
    private final Cli cli;

    @Option(names = "--force", description = "stop it even if a containerd is connected")
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
            throw Bridges.failed(e, "or give --force, then start bridge and containerd again");
        } catch (IOException e) {
            throw Bridges.failed(e, "");
        }
    }
}
