package dev.jshim.ctl.task;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.CliException;
import dev.jshim.ctl.cli.DurationConverter;
import dev.jshim.ctl.cli.ExecOption;
import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.cli.ShimCall;
import dev.jshim.ctl.cli.TaskArgument;
import dev.jshim.ctl.output.TaskFields;
import dev.jshim.node.Answer;
import dev.jshim.node.shim.Shims;
import dev.jshim.task.Exit;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "wait",
        description = "Wait for a container, or one of its execs, to end, and print its exit status.",
        footer = {
            "",
            "Exits with 0 if the container has ended, whatever its status was, and with 1 if it has not ended",
            "within --for.",
            "",
            "Examples:",
            "  jshimctl wait web",
            "  jshimctl wait web --for 10m"
        })
public final class WaitCommand implements Callable<Integer> {
    /** As good as forever, and still a number of nanoseconds. */
    private static final Duration EVER = Duration.ofDays(36500);

    private final Cli cli;

    @Mixin
    private final TaskArgument argument = new TaskArgument();

    @Mixin
    private final ExecOption exec = new ExecOption();

    @Option(
            names = "--for",
            paramLabel = "TIME",
            converter = DurationConverter.class,
            description = "wait at most this long (default: no limit)")
    private @Nullable Duration patience;

    public WaitCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        var bundle = cli.reader().bundle(argument.id());
        var most = patience == null ? EVER : patience;
        // a mute shim would be waited for just as long
        ShimCall.of(cli, bundle, shim -> shim.state(exec.id()));
        var answer = Shims.ask(bundle, cli.globals().timeout(), shim -> shim.await(exec.id(), most));
        if (answer instanceof Answer.Mute<Exit>) {
            throw CliException.failed(bundle.task() + " has not ended within " + most.toMillis() + " ms", "");
        }
        var exit = ShimCall.value(bundle, answer);
        var at = exit.at();
        var fields = TaskFields.name(bundle.task())
                .with("execId", TaskFields.known(exec.id()))
                .with("exitStatus", exit.status())
                .with("exitedAt", at.equals(Exit.NEVER) ? null : at.toString());
        cli.show(fields, () -> cli.out().println(exit.status()));
        return ExitCode.OK;
    }
}
