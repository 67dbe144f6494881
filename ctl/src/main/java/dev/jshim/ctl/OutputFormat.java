package dev.jshim.ctl;

import java.util.List;

/**
 * How results are written.
 *
 * @param columns of {@link Kind#COLUMNS}: what is shown of each row; else empty
 */
record OutputFormat(Kind kind, List<Column> columns) {
    /** The names that {@code -o} takes as they are. */
    static final List<String> NAMES = List.of("table", "wide", "name", "json", "yaml");

    /** What follows it says the columns. */
    static final String COLUMNS = "custom-columns=";

    static final OutputFormat TABLE = new OutputFormat(Kind.TABLE, List.of());

    OutputFormat {
        columns = List.copyOf(columns);
    }

    /** In the order of {@link #NAMES}, and one more. */
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
        COLUMNS
    }

    /**
     * A chosen column.
     *
     * @param field as JSON has it
     */
    record Column(String heading, String field) {}

    /** Not for a program, which could not make anything of a line that is none of the result. */
    boolean isForPeople() {
        return kind == Kind.TABLE || kind == Kind.WIDE || kind == Kind.COLUMNS;
    }

    /** Whether there must be rows for it: only a command that lists can write it. */
    boolean isOfRows() {
        return kind == Kind.NAME || kind == Kind.COLUMNS;
    }
}
