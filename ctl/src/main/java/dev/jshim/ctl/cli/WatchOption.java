package dev.jshim.ctl.cli;

import java.util.function.ToIntFunction;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code --watch}: the same again and again, until somebody ends it. */
public final class WatchOption {
    @Option(names = "--watch", description = "repeat until Ctrl-C; on a terminal, with the time of each round")
    private boolean watch;

    @Mixin
    private final RepeatOption repeat = new RepeatOption();

    /**
     * Runs a command's body once, or again and again.
     *
     * @param body writes to the Cli that it is given, and answers the exit code
     * @return the last exit code
     */
    public int run(Cli cli, ToIntFunction<Cli> body) {
        return watch ? repeat.run(cli, body) : body.applyAsInt(cli);
    }
}
