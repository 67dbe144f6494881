package dev.jshim.ctl.show;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.ExecOption;
import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.cli.ShimCall;
import dev.jshim.ctl.cli.TaskArgument;
import dev.jshim.ctl.cli.WatchOption;
import dev.jshim.ctl.output.Outline;
import dev.jshim.ctl.output.TaskFields;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "state",
        description = "Show what the shim reports about a task, even if containerd is down.",
        footer = {"", "Examples:", "  jshimctl state web", "  jshimctl state web --exec shell -o json"})
public final class StateCommand implements Callable<Integer> {
    private final Cli cli;

    @Mixin
    private final TaskArgument argument = new TaskArgument();

    @Mixin
    private final ExecOption exec = new ExecOption();

    @Mixin
    private final WatchOption watch = new WatchOption();

    public StateCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        return watch.run(cli, this::show);
    }

    private int show(Cli cli) {
        var bundle = cli.reader().bundle(argument.id());
        var state = ShimCall.of(cli, bundle, shim -> shim.state(exec.id()));
        var fields = TaskFields.name(bundle.task())
                .with("execId", TaskFields.known(exec.id()))
                .withAll(StateFields.of(state))
                .with("bundle", TaskFields.known(state.bundle().toString()))
                .with("stdin", TaskFields.known(state.stdio().stdin()))
                .with("stdout", TaskFields.known(state.stdio().stdout()))
                .with("stderr", TaskFields.known(state.stdio().stderr()));
        cli.show(fields, () -> Outline.write(cli.out(), cli.screen(), fields));
        return ExitCode.OK;
    }
}
