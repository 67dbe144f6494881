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
        name = "resume",
        description = "Let the processes of a paused container run again.",
        footer = {"", "Example:", "  jshimctl resume web"})
public final class ResumeCommand implements Callable<Integer> {
    private final Cli cli;

    @Mixin
    private final TaskArgument argument = new TaskArgument();

    public ResumeCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        var bundle = cli.reader().bundle(argument.id());
        ShimCall.tell(cli, bundle, ShimTask::resume);
        cli.show(
                TaskFields.name(bundle.task()).with("status", "running"),
                () -> cli.out().println(Text.oneLine("resumed " + bundle.task())));
        return ExitCode.OK;
    }
}
