package dev.jshim.ctl.cli;

import dev.jshim.node.Answer;
import dev.jshim.node.bundle.Bundle;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.shim.ShimProcesses;
import dev.jshim.node.shim.Shims;
import dev.jshim.task.client.ShimTask;
import java.time.Duration;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * One question to a task's shim, of which nothing but the answer is of use: all else is a failure that says what to do.
 */
public final class ShimCall {
    private ShimCall() {}

    /** The answer. */
    public static <T> T of(Cli cli, Bundle bundle, Function<ShimTask, T> question) {
        return value(bundle, Shims.ask(bundle, cli.globals().timeout(), question));
    }

    /** The same for a call without an answer. */
    public static void tell(Cli cli, Bundle bundle, Consumer<ShimTask> call) {
        of(cli, bundle, task -> {
            call.accept(task);
            return true;
        });
    }

    /** What was answered. */
    public static <T> T value(Bundle bundle, Answer<T> answer) {
        return switch (answer) {
            case Answer.Answered<T>(var value, var took) -> value;
            case Answer.Refused<T>(var code, var reason) ->
                throw CliException.failed("the shim of " + bundle.task() + " refused: " + reason, "");
            case Answer.Mute<T>(var after) -> throw mute(bundle, after);
            case Answer.Absent<T>(var reason) -> throw absent(bundle, reason);
        };
    }

    public static CliException mute(Bundle bundle, Duration after) {
        return CliException.failed(
                "the shim of " + bundle.task() + " did not answer within " + after.toMillis() + " ms",
                "the call may or may not have taken effect; \"jshimctl inspect "
                        + bundle.task().id() + "\" shows the processes");
    }

    public static CliException absent(Bundle bundle, String reason) {
        var processes = new ShimProcesses(ProcFs.system());
        var init = processes.verifiedInit(bundle, processes.of(bundle));
        return CliException.failed(
                bundle.task() + " has no shim that could be called: " + reason,
                init == null || init.hasEnded() ? "" : "its init process is still running as pid " + init.pid());
    }
}
