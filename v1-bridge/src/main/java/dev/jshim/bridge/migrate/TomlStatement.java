package dev.jshim.bridge.migrate;

import java.util.List;

/**
 * A statement of a TOML text: one or more whole lines, since a value may go over several.
 *
 * @param kind what it is
 * @param key of a header: its table; of an entry: its key, without that of the table that it stands in
 * @param text its lines, with their ends
 * @param lastKey where in the text the last part of an entry's key stands
 * @param value where in the text an entry's value stands
 */
record TomlStatement(Kind kind, List<String> key, String text, Range lastKey, Range value) {
    /** What a statement is. */
    enum Kind {
        /** A blank line, or a comment. */
        NOTHING,
        /** {@code [table]}, or {@code [[table]]}. */
        HEADER,
        /** {@code key = value}. */
        ENTRY
    }

    /** A part of a text: from, and to without it. */
    record Range(int from, int to) {
        static final Range NONE = new Range(0, 0);
    }

    TomlStatement {
        key = List.copyOf(key);
    }

    /** The value as it is written. */
    String valueText() {
        return text.substring(value.from(), value.to());
    }

    /** The text with other words in one of its places. */
    String with(Range place, String words) {
        return text.substring(0, place.from()) + words + text.substring(place.to());
    }
}
