package dev.jshim.ctl.upgrade;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.ExitCode;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "start",
        description = "Start the bridge and wait until it serves the adopted containers; does nothing if it runs.",
        footer = {
            "",
            "The bridge reads the adopted bundles and keeps its sockets, pid and log in the directory jshim of the state",
            "directory. It leaves the caller's session and cgroup. If it dies, its keeper starts it again."
        })
final class BridgeStartCommand implements Callable<Integer> {
    private final Cli cli;

    @Option(
            names = "--kept",
            description = {"for systemd: stay in the caller's cgroup;", "a running bridge moves there"})
    private boolean kept;

    BridgeStartCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        try {
            var done = Bridges.changing(cli).start(kept);
            Bridges.write(cli, done.changed() ? "started" : "runs already", done);
            return ExitCode.OK;
        } catch (IOException e) {
            throw Bridges.failed(e, "");
        }
    }
}
