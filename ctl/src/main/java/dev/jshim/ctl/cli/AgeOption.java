package dev.jshim.ctl.cli;

import java.time.Duration;
import picocli.CommandLine.Option;

/** {@code --older-than}: what is young may be about to be used. */
public final class AgeOption {
    @Option(
            names = "--older-than",
            paramLabel = "TIME",
            converter = DurationConverter.class,
            description = "skip what was changed within this time (default: 1m)")
    private Duration age = Duration.ofMinutes(1);

    public Duration age() {
        return age;
    }
}
