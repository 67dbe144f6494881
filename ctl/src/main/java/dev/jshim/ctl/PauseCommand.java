package dev.jshim.ctl;

import dev.jshim.node.shim.Shim;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "pause",
        description = "Freeze all processes of a container.",
        footer = {"", "Example:", "  jshimctl pause web"})
final class PauseCommand implements Callable<Integer> {
    private final Cli cli;

    @Mixin
    private final TaskArgument argument = new TaskArgument();

    PauseCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        var bundle = cli.reader().bundle(argument.id());
        ShimCall.of(cli, bundle, Shim::pause);
        cli.show(
                TaskFields.name(bundle.task()).with("status", "paused"),
                () -> cli.out().println(Text.oneLine("paused " + bundle.task())));
        return ExitCode.OK;
    }
}
