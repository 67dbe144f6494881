package dev.jshim.ctl.cli;

import java.time.Duration;
import picocli.CommandLine.Option;

/** {@code --older-than}: what is young may be about to be used. */
public final class AgeOption {
    @Option(
            names = "--older-than",
            paramLabel = "TIME",
            converter = DurationConverter.class,
            description = "pass over what was changed later than so long ago (default: 1m)")
    private Duration age = Duration.ofMinutes(1);

    public Duration age() {
        return age;
    }
}
