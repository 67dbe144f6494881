package dev.jshim.ctl.output;

import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * How results are written.
 *
 * @param columns of {@link Kind#COLUMNS}: what is shown of each row; else empty
 * @param path of {@link Kind#JSONPATH}: what is taken from the result; else null
 */
public record OutputFormat(
        Kind kind, List<Column> columns, @Nullable JsonPath path) {
    /** What follows it says the columns. */
    public static final String COLUMNS = "custom-columns=";

    /** What follows it is a template. */
    public static final String JSONPATH = "jsonpath=";

    public static final OutputFormat TABLE = of(Kind.TABLE);

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
        COLUMNS,
        /** What a template takes from the result. */
        JSONPATH;

        /** As {@code -o} takes it, if there is nothing more to say. */
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

    /** One that needs no more than its name. */
    public static OutputFormat of(Kind kind) {
        return new OutputFormat(kind, List.of(), null);
    }

    /** What {@code -o} takes as it is. */
    public static List<String> words() {
        return Stream.of(Kind.values())
                .filter(kind -> kind != Kind.COLUMNS && kind != Kind.JSONPATH)
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
