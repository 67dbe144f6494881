package dev.jshim.ctl.output;

import java.util.Map;

/** Colours of the words that say whether something is well (ECMA-48, select graphic rendition). */
public final class Color {
    private static final String GREEN = "\u001b[32m";
    private static final String YELLOW = "\u001b[33m";
    private static final String RED = "\u001b[31m";
    private static final String OFF = "\u001b[0m";

    private static final Map<String, String> WORDS = Map.ofEntries(
            Map.entry("ok", GREEN),
            Map.entry("degraded", YELLOW),
            Map.entry("restarting", YELLOW),
            Map.entry("mute", YELLOW),
            Map.entry("warning", YELLOW),
            Map.entry("stale", YELLOW),
            Map.entry("paused", YELLOW),
            Map.entry("orphan", RED),
            Map.entry("dead", RED),
            Map.entry("leaked", RED),
            Map.entry("exposed", RED),
            Map.entry("error", RED));

    private Color() {}

    /** A cell, coloured where it is one of those words; blanks around it do not count. */
    public static String of(String cell) {
        var color = WORDS.get(cell.strip());
        return color == null ? cell : color + cell + OFF;
    }
}
