package dev.jshim.ctl.upgrade;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.output.Fields;
import dev.jshim.ctl.output.KeeperFields;
import dev.jshim.ctl.output.Outline;
import dev.jshim.ctl.output.TaskFields;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

@Command(
        name = "status",
        description = "Show whether the bridge runs and how many containers it serves; changes nothing.",
        footer = {
            "",
            "The keeper holds the bridge's connections and starts it again if it dies: see restarts and lastDeath. The state",
            "is starting, serving, or waiting if the bridge dies again and again. keeper is a pid; if there is none, the",
            "bridge tries to start one.",
            "Exits with 3 if the bridge does not run. \"migrate status\" shows each container."
        })
final class BridgeStatusCommand implements Callable<Integer> {
    private final Cli cli;

    BridgeStatusCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        var state = Bridges.reading(cli).state();
        var fields = new Fields()
                .with("running", state.isRunning())
                .with("pid", TaskFields.known(state.pid()))
                .with("adopted", state.adopted())
                .with("connected", state.connected());
        var keeper = state.keeper();
        fields.with("keeper", keeper == null ? null : keeper.keeper().pid())
                .with("state", keeper == null ? null : keeper.state())
                .with("restarts", keeper == null ? null : keeper.restarts())
                .with("lastDeath", keeper == null ? null : KeeperFields.lastDeath(keeper))
                .with("replacementFailed", keeper != null && keeper.hasFailed());
        cli.show(fields, () -> Outline.write(cli.out(), cli.screen(), fields));
        return state.isRunning() ? ExitCode.OK : ExitCode.FINDINGS;
    }
}
