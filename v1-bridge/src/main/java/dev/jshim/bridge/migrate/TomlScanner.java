package dev.jshim.bridge.migrate;

import dev.jshim.bridge.migrate.TomlStatement.Kind;
import dev.jshim.bridge.migrate.TomlStatement.Range;
import java.util.ArrayList;
import java.util.List;

/**
 * Cuts a TOML text into its statements, so that one can be changed and all others stay byte for byte. Knows what goes
 * over several lines: arrays, and strings in three quotes of either kind. For a text that a parser has found good.
 */
final class TomlScanner {
    private final String text;
    private int at;

    private TomlScanner(String text) {
        this.text = text;
    }

    /**
     * The statements of a text; together they are the text.
     *
     * @throws IllegalArgumentException for a text that is none
     */
    static List<TomlStatement> scan(String text) {
        var scanner = new TomlScanner(text);
        List<TomlStatement> statements = new ArrayList<>();
        while (scanner.at < text.length()) {
            statements.add(scanner.next());
        }
        return statements;
    }

    private TomlStatement next() {
        var start = at;
        skipBlanks();
        List<String> key = new ArrayList<>();
        var kind = switch (peek()) {
            case '\n', '\r', '#', 0 -> Kind.NOTHING;
            case '[' -> Kind.HEADER;
            default -> Kind.ENTRY;
        };
        var last = Range.NONE;
        var value = Range.NONE;
        if (kind == Kind.HEADER) {
            skip('[');
            key(key);
            skip(']');
        } else if (kind == Kind.ENTRY) {
            last = key(key);
            if (peek() != '=') {
                throw wrong("a key without a value");
            }
            at++;
            skipBlanks();
            var from = at;
            value();
            value = new Range(from - start, at - start);
            last = new Range(last.from() - start, last.to() - start);
        }
        restOfLine();
        return new TomlStatement(kind, key, text.substring(start, at), last, value);
    }

    /** A key of one or more parts, and the blanks behind it; answers where its last part stands. */
    private Range key(List<String> parts) {
        while (true) {
            skipBlanks();
            var from = at;
            switch (peek()) {
                case '"', '\'' -> {
                    string();
                    parts.add(unquoted(text.substring(from, at)));
                }
                default -> {
                    while (Character.isLetterOrDigit(peek()) || peek() == '_' || peek() == '-') {
                        at++;
                    }
                    parts.add(text.substring(from, at));
                }
            }
            if (from == at) {
                throw wrong("no key");
            }
            var part = new Range(from, at);
            skipBlanks();
            if (peek() != '.') {
                return part;
            }
            at++;
        }
    }

    /** Escapes in a key are not looked into: nothing that is looked for has any. */
    private static String unquoted(String quoted) {
        return quoted.substring(1, quoted.length() - 1);
    }

    /** A value, without the blanks behind it. */
    private void value() {
        var depth = 0;
        var end = at;
        while (at < text.length()) {
            var next = peek();
            switch (next) {
                case '"', '\'' -> string();
                case '#' -> {
                    if (depth == 0) {
                        at = end;
                        return;
                    }
                    toLineEnd();
                }
                case '\n' -> {
                    if (depth == 0) {
                        at = end;
                        return;
                    }
                    at++;
                }
                default -> {
                    depth += next == '[' || next == '{' ? 1 : next == ']' || next == '}' ? -1 : 0;
                    at++;
                }
            }
            if (!isBlank(next)) {
                end = at;
            }
        }
        at = end;
    }

    /** A string of any of the four kinds. */
    private void string() {
        var quote = peek();
        var three = String.valueOf(quote).repeat(3);
        var end = text.startsWith(three, at) ? three : three.substring(0, 1);
        at += end.length();
        while (!text.startsWith(end, at)) {
            if (at >= text.length() || (end.length() == 1 && peek() == '\n')) {
                throw wrong("a text without an end");
            }
            at += quote == '"' && peek() == '\\' ? 2 : 1;
        }
        at += end.length();
        // One or two quotes may stand before the three at the end.
        while (end.length() == 3 && peek() == quote) {
            at++;
        }
    }

    private void restOfLine() {
        skipBlanks();
        if (peek() != '#' && peek() != '\n' && peek() != '\r' && peek() != 0) {
            throw wrong("more than was expected");
        }
        toLineEnd();
        if (peek() == '\n') {
            at++;
        }
    }

    private void toLineEnd() {
        while (at < text.length() && peek() != '\n') {
            at++;
        }
    }

    private void skip(char bracket) {
        while (peek() == bracket) {
            at++;
        }
    }

    private void skipBlanks() {
        while (peek() == ' ' || peek() == '\t') {
            at++;
        }
    }

    private static boolean isBlank(char c) {
        return c == ' ' || c == '\t' || c == '\r';
    }

    /** 0 at the end. */
    private char peek() {
        return at < text.length() ? text.charAt(at) : 0;
    }

    private IllegalArgumentException wrong(String what) {
        var line = text.substring(0, Math.min(at, text.length()))
                        .chars()
                        .filter(c -> c == '\n')
                        .count()
                + 1;
        return new IllegalArgumentException("line " + line + ": " + what);
    }
}
