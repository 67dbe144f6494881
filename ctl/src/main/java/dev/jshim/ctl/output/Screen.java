package dev.jshim.ctl.output;

import java.util.Map;

/**
 * Where results are shown. The launcher says so, since asking the kernel from a JVM would take longer than the rest of
 * a listing.
 *
 * @param isTerminal whether it is a terminal at all
 * @param width in columns; 0 if lines may be of any length
 * @param hasColor whether colours may be used
 */
public record Screen(boolean isTerminal, int width, boolean hasColor) {
    /** Set by the launcher to {@code rows,columns} if stdout is a terminal. */
    public static final String PROPERTY = "jshim.terminal";

    private static final int USUAL_WIDTH = 80;
    private static final int MIN_WIDTH = 40;

    /** What there is, as far as the user lets us use it. */
    public static Screen of(boolean truncate, boolean color) {
        return of(System.getProperty(PROPERTY, ""), System.getenv(), truncate, color);
    }

    /**
     * As {@link #of(boolean, boolean)}.
     *
     * @param terminal empty if it is none
     * @param environment NO_COLOR (no-color.org) and TERM=dumb are heeded
     */
    public static Screen of(String terminal, Map<String, String> environment, boolean truncate, boolean color) {
        if (terminal.isEmpty()) {
            return new Screen(false, 0, false);
        }
        var plain = !environment.getOrDefault("NO_COLOR", "").isEmpty()
                || environment.getOrDefault("TERM", "").equals("dumb");
        return new Screen(true, truncate ? width(terminal) : 0, color && !plain);
    }

    private static int width(String size) {
        var columns = size.substring(size.lastIndexOf(',') + 1);
        try {
            var width = Integer.parseInt(columns);
            return width <= 0 ? USUAL_WIDTH : Math.max(MIN_WIDTH, width);
        } catch (NumberFormatException e) {
            return USUAL_WIDTH;
        }
    }
}
