package dev.jshim.ctl;

import dev.jshim.node.Answer;
import dev.jshim.node.Bundle;
import dev.jshim.node.ProcFs;
import dev.jshim.node.Shim;
import dev.jshim.node.ShimProcesses;
import dev.jshim.node.TaskStatus;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "kill",
        description = "Send a signal to a container's init process, through its shim.",
        footer = {"", "Examples:", "  jshimctl kill web", "  jshimctl kill web -s KILL"})
final class KillCommand implements Callable<Integer> {
    private final Cli cli;

    @Parameters(paramLabel = "ID", description = "the container's id, or a beginning of it that only one has")
    private String id = "";

    @Option(
            names = {"-s", "--signal"},
            paramLabel = "SIGNAL",
            description = "SIGTERM, TERM or 15 (default: SIGTERM)")
    private String signal = "SIGTERM";

    KillCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        var number = Signals.parse(signal);
        var bundle = cli.reader().bundle(id);
        switch (send(bundle, number)) {
            case Answer.Answered<Boolean> answered -> report(bundle, number);
            case Answer.Refused<Boolean> refused -> throw refused(bundle, refused.reason());
            case Answer.Mute<Boolean> mute -> throw mute(bundle, mute.after());
            case Answer.Absent<Boolean> absent -> throw absent(bundle, absent.reason());
        }
        return ExitCode.OK;
    }

    private Answer<Boolean> send(Bundle bundle, int number) {
        return Shim.ask(bundle, cli.globals().timeout(), shim -> shim.kill(number));
    }

    private CliException refused(Bundle bundle, String reason) {
        var state = Shim.ask(bundle, cli.globals().timeout(), Shim::state).orNull();
        if (state != null && state.status() == TaskStatus.STOPPED) {
            return CliException.failed(
                    bundle.task() + " has already exited, with status " + state.exitStatus(),
                    "there is nothing to kill");
        }
        return CliException.failed("the shim of " + bundle.task() + " refused: " + reason, "");
    }

    private static CliException mute(Bundle bundle, Duration after) {
        return CliException.failed(
                "the shim of " + bundle.task() + " did not answer within " + after.toMillis() + " ms",
                "whether the signal was sent is not known; \"jshimctl inspect "
                        + bundle.task().id() + "\" shows the processes");
    }

    private static CliException absent(Bundle bundle, String reason) {
        var init = new ShimProcesses(ProcFs.system()).init(bundle);
        return CliException.failed(
                bundle.task() + " has no shim to send a signal: " + reason,
                init == null || init.isZombie() ? "" : "its init process lives on as pid " + init.pid());
    }

    private void report(Bundle bundle, int number) {
        if (cli.globals().isJson()) {
            Json.write(
                    cli.out(),
                    new Fields()
                            .with("namespace", bundle.task().namespace())
                            .with("id", bundle.task().id())
                            .with("signal", number));
        } else {
            cli.out().println("sent " + Signals.name(number) + " to " + bundle.task());
        }
    }
}
