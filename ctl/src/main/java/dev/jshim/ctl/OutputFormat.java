package dev.jshim.ctl;

import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * How results are written.
 *
 * @param columns of {@link Kind#COLUMNS}: what is shown of each row; else empty
 */
record OutputFormat(Kind kind, List<Column> columns) {
    /** What follows it says the columns. */
    static final String COLUMNS = "custom-columns=";

    static final OutputFormat TABLE = new OutputFormat(Kind.TABLE, List.of());

    OutputFormat {
        columns = List.copyOf(columns);
    }

    /** All forms. */
    enum Kind {
        /** Columns for a person, as wide as the terminal. */
        TABLE,
        /** The same with more columns. */
        WIDE,
        /** A name a line, nothing else. */
        NAME,
        JSON,
        YAML,
        /** A table of the columns that somebody has chosen. */
        COLUMNS;

        /** As {@code -o} takes it, but for {@link #COLUMNS}, which says more. */
        String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * A chosen column.
     *
     * @param field as JSON has it
     */
    record Column(String heading, String field) {}

    /** What {@code -o} takes as it is. */
    static List<String> words() {
        return Stream.of(Kind.values())
                .filter(kind -> kind != Kind.COLUMNS)
                .map(Kind::word)
                .toList();
    }

    /** Not for a program, which could not make anything of a line that is none of the result. */
    boolean isForPeople() {
        return kind == Kind.TABLE || kind == Kind.WIDE || kind == Kind.COLUMNS;
    }

    /** Whether there must be rows for it: only a command that lists can write it. */
    boolean isOfRows() {
        return kind == Kind.NAME || kind == Kind.COLUMNS;
    }
}
