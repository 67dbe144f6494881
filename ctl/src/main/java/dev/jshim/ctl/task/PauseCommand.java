package dev.jshim.ctl.task;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.cli.ShimCall;
import dev.jshim.ctl.cli.TaskArgument;
import dev.jshim.ctl.output.TaskFields;
import dev.jshim.ctl.output.Text;
import dev.jshim.task.client.ShimTask;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "pause",
        description = "Freeze all processes of a container.",
        footer = {"", "Example:", "  jshimctl pause web"})
public final class PauseCommand implements Callable<Integer> {
    private final Cli cli;

    @Mixin
    private final TaskArgument argument = new TaskArgument();

    public PauseCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        var bundle = cli.reader().bundle(argument.id());
        ShimCall.tell(cli, bundle, ShimTask::pause);
        cli.show(
                TaskFields.name(bundle.task()).with("status", "paused"),
                () -> cli.out().println(Text.oneLine("paused " + bundle.task())));
        return ExitCode.OK;
    }
}
