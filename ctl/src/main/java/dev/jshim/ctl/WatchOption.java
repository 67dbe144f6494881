package dev.jshim.ctl;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.function.ToIntFunction;
import picocli.CommandLine.Option;

/** {@code --watch}: the same again and again, until somebody ends it. */
final class WatchOption {
    /** ECMA-48: to the first line, and erase what is below. */
    private static final String HOME = "\u001b[H\u001b[J";

    @Option(names = "--watch", description = "show it again and again, until Ctrl-C")
    private boolean watch;

    @Option(
            names = "--interval",
            paramLabel = "TIME",
            converter = DurationConverter.class,
            description = "with --watch: how long to wait in between (default: 2s)")
    private Duration interval = Duration.ofSeconds(2);

    @Option(names = "--count", paramLabel = "N", description = "with --watch: end after so many times")
    private int count;

    /**
     * Runs a command's body once, or again and again.
     *
     * @param body writes to the Cli that it is given, and answers the exit code
     * @return the last exit code
     */
    int run(Cli cli, ToIntFunction<Cli> body) {
        if (!watch) {
            return body.applyAsInt(cli);
        }
        var isTerminal = Screen.of(cli.globals()).isTerminal();
        for (var round = 1; ; round++) {
            var text = new StringWriter();
            var page = new PrintWriter(text);
            // a note on the same page, since the next page would wipe it off a terminal
            var code = body.applyAsInt(new Cli(cli.globals(), page, isTerminal ? page : cli.err()));
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
