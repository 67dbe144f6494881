package dev.jshim.ctl.task;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.CliException;
import dev.jshim.ctl.cli.ExecOption;
import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.cli.ShimCall;
import dev.jshim.ctl.cli.TaskArgument;
import dev.jshim.ctl.output.Fields;
import dev.jshim.ctl.output.TaskFields;
import dev.jshim.ctl.output.Text;
import dev.jshim.node.Answer;
import dev.jshim.node.bundle.Bundle;
import dev.jshim.node.shim.Shims;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "kill",
        description = "Send a signal to a container's init process, through its shim.",
        footer = {
            "",
            "With --escalate, if the shim is mute or gone, jshimctl tries the OCI runtime and then the processes, and",
            "reports each step on stderr. It signals a process only if runtime state or cgroup prove that it belongs to",
            "the container, never a reused pid. It never signals the shim itself.",
            "",
            "Examples:",
            "  jshimctl kill web",
            "  jshimctl kill web -s KILL --all",
            "  jshimctl kill web --exec shell",
            "  jshimctl kill web -s KILL --escalate"
        })
public final class KillCommand implements Callable<Integer> {
    private final Cli cli;

    @Mixin
    private final TaskArgument argument = new TaskArgument();

    @Mixin
    private final ExecOption exec = new ExecOption();

    @Option(
            names = {"-s", "--signal"},
            paramLabel = "SIGNAL",
            description = "SIGTERM, TERM, 15, SIGRTMIN+3 ... (default: SIGTERM)")
    private String signal = "SIGTERM";

    @Option(
            names = {"-a", "--all"},
            description = "signal every process of the container")
    private boolean all;

    @Option(names = "--escalate", description = "if the shim does not answer, signal without it")
    private boolean escalate;

    public KillCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        var number = Signals.parse(signal);
        if (all && !exec.id().isEmpty()) {
            throw CliException.usage("--all and --exec exclude each other", "give one of them");
        }
        if (escalate && !exec.id().isEmpty()) {
            throw CliException.usage(
                    "--escalate and --exec exclude each other", "only the shim knows the process of an exec");
        }
        var bundle = cli.reader().bundle(argument.id());
        var answer = Shims.ask(bundle, cli.globals().timeout(), shim -> {
            shim.kill(exec.id(), number, all);
            return true;
        });
        switch (answer) {
            case Answer.Answered<Boolean> _ -> report(bundle, number, List.of());
            case Answer.Refused<Boolean> refused -> throw refused(bundle, refused.reason());
            case Answer.Mute<Boolean> mute when !escalate -> throw ShimCall.mute(bundle, mute.after());
            case Answer.Absent<Boolean> absent when !escalate -> throw ShimCall.absent(bundle, absent.reason());
            case Answer.Mute<Boolean> _, Answer.Absent<Boolean> _ -> {
                return escalate(bundle, number, answer.describe());
            }
        }
        return ExitCode.OK;
    }

    private int escalate(Bundle bundle, int number, String reason) {
        var escalation = new Escalation(cli, bundle, number, all);
        escalation.said("shim", false, reason);
        if (!escalation.run()) {
            throw CliException.failed(
                    Signals.name(number) + " was sent to no process of " + bundle.task(),
                    "\"jshimctl inspect " + bundle.task().id() + "\" shows what exists");
        }
        report(bundle, number, escalation.steps());
        return ExitCode.OK;
    }

    private CliException refused(Bundle bundle, String reason) {
        var state = Shims.ask(bundle, cli.globals().timeout(), shim -> shim.state(exec.id()))
                .orNull();
        var exit = state == null ? null : state.exit();
        if (exit != null) {
            return CliException.failed(
                    bundle.task() + " has already exited, with status " + exit.status(), "nothing was signalled");
        }
        return CliException.failed("the shim of " + bundle.task() + " refused: " + reason, "");
    }

    private void report(Bundle bundle, int number, List<Fields> steps) {
        var fields = TaskFields.name(bundle.task())
                .with("execId", TaskFields.known(exec.id()))
                .with("signal", number)
                .with("all", all)
                .with("steps", steps);
        var exec = this.exec.id().isEmpty() ? "" : ", exec " + this.exec.id();
        var said = "sent " + Signals.name(number) + " to " + bundle.task() + exec;
        cli.show(fields, () -> cli.out().println(Text.oneLine(said)));
    }
}
