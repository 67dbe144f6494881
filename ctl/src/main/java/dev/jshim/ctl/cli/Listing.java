package dev.jshim.ctl.cli;

import dev.jshim.ctl.output.Fields;
import dev.jshim.ctl.output.OutputFormat;
import dev.jshim.ctl.output.Table;
import dev.jshim.ctl.output.Text;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** How rows of {@link Fields}, the same that JSON has, become a table. */
public final class Listing {
    private final List<Column> columns = new ArrayList<>();
    private final List<String> fields = new ArrayList<>();
    private final Map<String, Supplier<List<String>>> words = new HashMap<>();
    private List<String> spare = List.of();
    private @Nullable Function<Fields, String> name;

    private record Column(String heading, Function<Fields, @Nullable Object> cell, boolean isWide) {}

    /** A column with the value of that name. */
    public Listing column(String heading, String name) {
        fields.add(name);
        return column(heading, row -> row.get(name));
    }

    /** A column that is made from a row. */
    public Listing column(String heading, Function<Fields, @Nullable Object> cell) {
        columns.add(new Column(heading, cell, false));
        return this;
    }

    /** A column that only {@code -o wide} shows. */
    public Listing wide(String heading, String name) {
        fields.add(name);
        columns.add(new Column(heading, row -> row.get(name), true));
        return this;
    }

    /** What the rows have besides, which no column shows as it is. */
    public Listing besides(String... names) {
        fields.addAll(List.of(names));
        return this;
    }

    /** All that a field can be; not asked for before somebody names one. */
    public Listing words(String field, Supplier<List<String>> all) {
        words.put(field, all);
        return this;
    }

    /** What {@code -o name} writes of a row. */
    public Listing named(Function<Fields, String> of) {
        name = of;
        return this;
    }

    /** The headings of columns that a narrow screen does without, the first of these first. */
    public Listing spare(String... headings) {
        spare = List.of(headings);
        return this;
    }

    /** The names of all values of a row. */
    public List<String> fields() {
        return List.copyOf(fields);
    }

    /**
     * Before anything is done: whether rows can be written so.
     *
     * @throws CliException if not
     */
    public void check(OutputFormat format) {
        if (format.kind() == OutputFormat.Kind.NAME && name == null) {
            throw CliException.usage(
                    "the rows of this list have no names",
                    "use -o custom-columns=HEADING:field to show a single field");
        }
        format.columns().forEach(column -> requireField("-o custom-columns", column.field()));
    }

    /**
     * Before anything is done: whether rows have such a value.
     *
     * @param option that names it
     * @throws CliException if not
     */
    void requireField(String option, String field) {
        if (!fields.contains(field)) {
            var similar = Text.similar(field, fields);
            throw CliException.usage(
                    option + ": there is no field \"" + Text.oneLine(field) + "\"",
                    (similar.isEmpty() ? "" : "did you mean " + String.join(", ", similar) + "? ") + "the fields are "
                            + String.join(", ", fields));
        }
    }

    /**
     * As {@link #requireField}, with a value that it is to have.
     *
     * @throws CliException if it never has
     */
    void requireValue(String option, String field, String value) {
        requireField(option, field);
        var all = words.get(field);
        if (all != null && !all.get().contains(value)) {
            throw CliException.usage(
                    option + " " + field + ": it is never \"" + Text.oneLine(value) + "\"",
                    "it is one of " + String.join(", ", all.get()));
        }
    }

    public void write(Cli cli, List<Fields> rows) {
        var format = cli.globals().output();
        var naming = name;
        if (format.kind() == OutputFormat.Kind.NAME && naming != null) {
            rows.forEach(row -> cli.out().println(Text.oneLine(naming.apply(row))));
        } else if (format.kind() == OutputFormat.Kind.COLUMNS) {
            var chosen = format.columns();
            var table = new Table(chosen.stream()
                    .map(column -> Text.oneLine(column.heading()))
                    .toArray(String[]::new));
            for (var row : rows) {
                table.row(chosen.stream()
                        .map(column -> joined(row.get(column.field())))
                        .toArray());
            }
            table.write(cli.out(), cli.screen());
        } else {
            table(cli, rows);
        }
    }

    private void table(Cli cli, List<Fields> rows) {
        var wide = cli.globals().isWide();
        var shown = columns.stream().filter(column -> wide || !column.isWide()).toList();
        var table = new Table(shown.stream().map(Column::heading).toArray(String[]::new)).spare(spare);
        for (var row : rows) {
            table.row(
                    shown.stream().map(column -> text(column.cell().apply(row))).toArray());
        }
        table.write(cli.out(), cli.screen());
    }

    private static @Nullable Object text(@Nullable Object value) {
        if (value instanceof Boolean bool) {
            return bool ? "yes" : "no";
        }
        return joined(value);
    }

    private static @Nullable Object joined(@Nullable Object value) {
        return value instanceof List<?> list
                ? list.stream().map(String::valueOf).collect(Collectors.joining("; "))
                : value;
    }
}
