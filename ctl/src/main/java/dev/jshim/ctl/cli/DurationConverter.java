package dev.jshim.ctl.cli;

import java.time.Duration;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads {@code 500ms}, {@code 5s}, {@code 2m}: above nothing, an hour at most. */
public final class DurationConverter implements ITypeConverter<Duration> {
    private static final Pattern FORM = Pattern.compile("(\\d{1,9})(ms|s|m)");
    private static final Duration MAX = Duration.ofHours(1);

    @Override
    public Duration convert(String text) {
        var form = FORM.matcher(text);
        if (form.matches()) {
            var number = Long.parseLong(form.group(1));
            var duration = switch (form.group(2)) {
                case "ms" -> Duration.ofMillis(number);
                case "s" -> Duration.ofSeconds(number);
                default -> Duration.ofMinutes(number);
            };
            if (duration.isPositive() && duration.compareTo(MAX) <= 0) {
                return duration;
            }
        }
        throw new TypeConversionException("'" + text + "' is not a duration; write it as 500ms, 5s or 2m");
    }
}
