package dev.jshim.ctl.output;

import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * How results are written.
 *
 * @param columns of {@link Kind#COLUMNS}: what is shown of each row; else empty
 */
public record OutputFormat(Kind kind, List<Column> columns) {
    /** What follows it says the columns. */
    public static final String COLUMNS = "custom-columns=";

    public static final OutputFormat TABLE = new OutputFormat(Kind.TABLE, List.of());

    public OutputFormat {
        columns = List.copyOf(columns);
    }

    /** All forms. */
    public enum Kind {
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
        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * A chosen column.
     *
     * @param field as JSON has it
     */
    public record Column(String heading, String field) {}

    /** What {@code -o} takes as it is. */
    public static List<String> words() {
        return Stream.of(Kind.values())
                .filter(kind -> kind != Kind.COLUMNS)
                .map(Kind::word)
                .toList();
    }

    /** Not for a program, which could not make anything of a line that is none of the result. */
    public boolean isForPeople() {
        return kind == Kind.TABLE || kind == Kind.WIDE || kind == Kind.COLUMNS;
    }

    /** Whether there must be rows for it: only a command that lists can write it. */
    public boolean isOfRows() {
        return kind == Kind.NAME || kind == Kind.COLUMNS;
    }
}
