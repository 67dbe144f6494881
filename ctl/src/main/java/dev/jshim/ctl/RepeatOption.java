package dev.jshim.ctl;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.function.ToIntFunction;
import picocli.CommandLine.Option;

/** How often and how many times something is shown again. */
final class RepeatOption {
    /** ECMA-48: to the first line, and erase what is below. */
    private static final String HOME = "\u001b[H\u001b[J";

    @Option(
            names = "--interval",
            paramLabel = "TIME",
            converter = DurationConverter.class,
            description = "how long to wait in between (default: 2s)")
    private Duration interval = Duration.ofSeconds(2);

    @Option(names = "--count", paramLabel = "N", description = "end after so many times (default: never)")
    private int count;

    /**
     * Runs a command's body again and again.
     *
     * @param body writes to the Cli that it is given, and answers the exit code
     * @return the last exit code
     */
    int run(Cli cli, ToIntFunction<Cli> body) {
        var isTerminal = Screen.of(cli.globals()).isTerminal();
        for (var round = 1; ; round++) {
            var text = new StringWriter();
            var page = new PrintWriter(text);
            // a note on the same page, since the next page would wipe it off a terminal
            var code = body.applyAsInt(new Cli(cli.globals(), cli.machine(), page, isTerminal ? page : cli.err()));
            page.flush();
            cli.out().print(isTerminal ? HOME + text : text);
            cli.out().flush();
            if (round == count || !sleep(interval)) {
                return code;
            }
        }
    }

    private static boolean sleep(Duration time) {
        try {
            Thread.sleep(time);
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
