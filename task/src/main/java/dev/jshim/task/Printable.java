package dev.jshim.task;

/**
 * Text from files, shims and containers, made fit for a terminal: each control character but those that text is made of
 * is shown as a question mark. Containers choose much of it, and may want to deceive whoever reads it.
 */
public final class Printable {
    private static final int MAX = 200;

    private Printable() {}

    /** As {@link #line}, and not too long. */
    public static String of(String text) {
        return text.codePointCount(0, text.length()) > MAX
                ? line(text.substring(0, text.offsetByCodePoints(0, MAX))) + "..."
                : line(text);
    }

    /** For a cell, or a line: without tabs and line ends, too. */
    public static String line(String text) {
        return with(text, "");
    }

    /** For text of several lines: tabs and line ends stay. */
    public static String text(String text) {
        return with(text, "\t\n");
    }

    private static String with(String text, String kept) {
        var out = new StringBuilder(text.length());
        text.codePoints()
                .map(c -> Character.isISOControl(c) && kept.indexOf(c) < 0 ? '?' : c)
                .forEach(out::appendCodePoint);
        return out.toString();
    }
}
