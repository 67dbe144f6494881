package dev.jshim.ctl.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.function.ToIntFunction;
import picocli.CommandLine.Option;

/** How often and how many times something is shown again. */
public final class RepeatOption {
    /** ECMA-48: to the first line, and erase what is below. */
    private static final String HOME = "\u001b[H\u001b[J";

    @Option(
            names = "--interval",
            paramLabel = "TIME",
            converter = DurationConverter.class,
            description = "time between two rounds (default: 2s)")
    private Duration interval = Duration.ofSeconds(2);

    @Option(names = "--count", paramLabel = "N", description = "exit after N rounds (default: never)")
    private int count;

    /**
     * Runs a command's body again and again.
     *
     * @param body writes to the Cli that it is given, and answers the exit code
     * @return the last exit code
     */
    public int run(Cli cli, ToIntFunction<Cli> body) {
        var isTerminal = cli.screen().isTerminal();
        for (var round = 1; ; round++) {
            var text = new StringWriter();
            var page = new PrintWriter(text);
            // a note on the same page, since the next page would wipe it off a terminal
            var code = body.applyAsInt(new Cli(cli.globals(), cli.machine(), page, isTerminal ? page : cli.err()));
            page.flush();
            cli.out().print(isTerminal ? HOME + head(cli, ZonedDateTime.now(ZoneId.systemDefault())) + text : text);
            cli.out().flush();
            if (round == count || !sleep(interval)) {
                return code;
            }
        }
    }

    /** When a round was, so that a terminal shows how old it is. Output for programs has no such line. */
    private static String head(Cli cli, ZonedDateTime now) {
        if (!cli.globals().output().isForPeople()) {
            return "";
        }
        // made only here: every command that can be watched has this class, and pays for what it initializes
        return now.format(DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss xxx", Locale.ROOT)) + System.lineSeparator();
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
