package dev.jshim.node;

/** Text from files and shims, made fit for one line of a terminal: no control characters, not too long. */
final class Printable {
    private static final int MAX = 200;

    private Printable() {}

    static String of(String text) {
        var out = new StringBuilder();
        text.codePoints()
                .limit(MAX)
                .map(c -> Character.isISOControl(c) ? '?' : c)
                .forEach(out::appendCodePoint);
        return text.length() > MAX ? out.append("...").toString() : out.toString();
    }
}
