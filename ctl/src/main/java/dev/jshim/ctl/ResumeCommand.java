package dev.jshim.ctl;

import dev.jshim.node.shim.Shim;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "resume",
        description = "Let the processes of a paused container run again.",
        footer = {"", "Example:", "  jshimctl resume web"})
final class ResumeCommand implements Callable<Integer> {
    private final Cli cli;

    @Mixin
    private final TaskArgument argument = new TaskArgument();

    ResumeCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        var bundle = cli.reader().bundle(argument.id());
        ShimCall.of(cli, bundle, Shim::resume);
        cli.show(
                TaskFields.name(bundle.task()).with("status", "running"),
                () -> cli.out().println(Text.oneLine("resumed " + bundle.task())));
        return ExitCode.OK;
    }
}
