package dev.jshim.ctl;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

@Command(
        name = "status",
        description = "Show whether the bridge runs and how many containers it serves; changes nothing.",
        footer = {"", "Ends with 3 where it does not run. \"migrate status\" shows each container."})
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
        if (cli.globals().isJson()) {
            Json.write(cli.out(), fields);
        } else {
            Outline.write(cli.out(), fields);
        }
        return state.isRunning() ? ExitCode.OK : ExitCode.FINDINGS;
    }
}
