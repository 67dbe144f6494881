package dev.jshim.ctl;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** How rows of {@link Fields}, the same that JSON has, become a table. */
final class Listing {
    private final List<Column> columns = new ArrayList<>();
    private List<String> spare = List.of();

    private record Column(String heading, Function<Fields, @Nullable Object> cell, boolean isWide) {}

    /** A column with the value of that name. */
    Listing column(String heading, String name) {
        return column(heading, row -> row.get(name));
    }

    /** A column that is made from a row. */
    Listing column(String heading, Function<Fields, @Nullable Object> cell) {
        columns.add(new Column(heading, cell, false));
        return this;
    }

    /** A column that only {@code -o wide} shows. */
    Listing wide(String heading, String name) {
        columns.add(new Column(heading, row -> row.get(name), true));
        return this;
    }

    /** The headings of columns that a narrow screen does without, the first of these first. */
    Listing spare(String... headings) {
        spare = List.of(headings);
        return this;
    }

    void write(Cli cli, List<Fields> rows) {
        var wide = cli.globals().isWide();
        var shown = columns.stream().filter(column -> wide || !column.isWide()).toList();
        var table = new Table(shown.stream().map(Column::heading).toArray(String[]::new)).spare(spare);
        for (var row : rows) {
            table.row(
                    shown.stream().map(column -> text(column.cell().apply(row))).toArray());
        }
        table.write(cli.out(), Screen.of(cli.globals()));
    }

    private static @Nullable Object text(@Nullable Object value) {
        if (value instanceof Boolean bool) {
            return bool ? "yes" : "no";
        }
        return value instanceof List<?> list
                ? list.stream().map(String::valueOf).collect(Collectors.joining("; "))
                : value;
    }
}
