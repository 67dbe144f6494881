package dev.jshim.ctl.show;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.cli.TaskArgument;
import dev.jshim.ctl.cli.WatchOption;
import dev.jshim.ctl.output.Outline;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "inspect",
        description = "Show everything about a task: its bundle, shim, socket, processes, cgroup and record.",
        footer = {"", "Examples:", "  jshimctl inspect web", "  jshimctl inspect web -o json"})
public final class InspectCommand implements Callable<Integer> {
    private final Cli cli;

    @Mixin
    private final TaskArgument argument = new TaskArgument();

    @Mixin
    private final WatchOption watch = new WatchOption();

    public InspectCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        return watch.run(cli, this::show);
    }

    private int show(Cli cli) {
        var report = new Inspection(cli).of(cli.reader().find(argument.id()));
        cli.show(report, () -> Outline.write(cli.out(), cli.screen(), report));
        return ExitCode.OK;
    }
}
