package dev.jshim.ctl.show;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Numbers as a person reads them; null stays null. JSON has them as they are. */
final class Units {
    private static final String PREFIXES = "KMGTPE";
    private static final long STEP = 1024;
    private static final int SECOND = 1000;
    private static final int MINUTE = 60;
    private static final int HOUR = 60 * MINUTE;
    private static final int DAY = 24 * HOUR;

    private Units() {}

    /** {@code 512 B}, {@code 4.8 MiB}. */
    static @Nullable String bytes(@Nullable Object bytes) {
        if (!(bytes instanceof Long all)) {
            return null;
        }
        if (all < STEP) {
            return all + " B";
        }
        var value = (double) all;
        var prefix = -1;
        // not 1024.0 of one that the next would show as 1.0
        while (value >= STEP - 0.05) {
            value /= STEP;
            prefix++;
        }
        return String.format(Locale.ROOT, "%.1f %ciB", value, PREFIXES.charAt(prefix));
    }

    /** {@code 1.23 s}, {@code 5m07s}, {@code 3h02m}, {@code 12d4h}. */
    static @Nullable String millis(@Nullable Object millis) {
        if (!(millis instanceof Long all)) {
            return null;
        }
        var seconds = all / SECOND;
        if (seconds < MINUTE) {
            return String.format(Locale.ROOT, "%d.%02d s", seconds, all % SECOND / 10);
        }
        if (seconds < HOUR) {
            return String.format(Locale.ROOT, "%dm%02ds", seconds / MINUTE, seconds % MINUTE);
        }
        return seconds < DAY
                ? String.format(Locale.ROOT, "%dh%02dm", seconds / HOUR, seconds % HOUR / MINUTE)
                : seconds / DAY + "d" + seconds % DAY / HOUR + "h";
    }

    /** To the tenth. */
    static double percent(long part, long whole) {
        return Math.round(part * 1000.0 / whole) / 10.0;
    }
}
