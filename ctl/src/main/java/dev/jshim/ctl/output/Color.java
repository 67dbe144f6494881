package dev.jshim.ctl.output;

import java.util.Map;
import java.util.Set;

/**
 * Colours of the words that say whether something is well (ECMA-48, select graphic rendition). {@link Screen#hasColor}
 * says whether they may be used. The words themselves say everything: a colour adds nothing that a reader without
 * colours would miss.
 */
public final class Color {
    private static final String GREEN = "\u001b[32m";
    private static final String YELLOW = "\u001b[33m";
    private static final String RED = "\u001b[31m";
    private static final String OFF = "\u001b[0m";

    private static final Map<String, String> WORDS = Map.ofEntries(
            Map.entry("ok", GREEN),
            Map.entry("serving", GREEN),
            Map.entry("adopt", GREEN),
            Map.entry("adopted", GREEN),
            Map.entry("ready for containerd 2.x", GREEN),
            Map.entry("degraded", YELLOW),
            Map.entry("restarting", YELLOW),
            Map.entry("starting", YELLOW),
            Map.entry("waiting", YELLOW),
            Map.entry("mute", YELLOW),
            Map.entry("warning", YELLOW),
            Map.entry("stale", YELLOW),
            Map.entry("paused", YELLOW),
            Map.entry("orphan", RED),
            Map.entry("dead", RED),
            Map.entry("leaked", RED),
            Map.entry("exposed", RED),
            Map.entry("missing", RED),
            Map.entry("refuse", RED),
            Map.entry("refused", RED),
            Map.entry("not ready for containerd 2.x", RED),
            Map.entry("error", RED));

    /** Fields of an outline that have such a word; others may have the same text by chance, as a container's id. */
    private static final Set<String> FIELDS = Set.of("health", "status", "state", "answer");

    /** Columns that name something, be the name such a word or not. */
    private static final Set<String> NAMES =
            Set.of("NAMESPACE", "ID", "POD NAMESPACE", "POD", "CONTAINER", "EXEC", "NAME");

    private Color() {}

    /** A text, coloured if it is one of those words; blanks around it do not count. */
    public static String of(String text) {
        var color = WORDS.get(text.strip());
        return color == null ? text : color + text + OFF;
    }

    /** The same for a cell below a heading. */
    static String cell(String heading, String cell) {
        return NAMES.contains(heading) ? cell : of(cell);
    }

    /** The same for the value of a field. */
    static String value(String field, String value) {
        return switch (field + " " + value) {
            case "running false", "replacementFailed true" -> RED + value + OFF;
            default -> FIELDS.contains(field) ? of(value) : value;
        };
    }
}
