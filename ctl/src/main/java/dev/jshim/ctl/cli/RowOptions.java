package dev.jshim.ctl.cli;

import dev.jshim.ctl.output.Fields;
import dev.jshim.ctl.output.Text;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which rows of a list are shown, and in what order. */
public final class RowOptions {
    @Option(
            names = "--filter",
            paramLabel = "FIELD=VALUE",
            description =
                    "only rows whose field (named as in JSON) has this value: status=running, health=mute. Repeat it for"
                            + " another value of the same field, or for another field that must match too")
    private List<String> filters = new ArrayList<>();

    @Option(names = "--sort-by", paramLabel = "FIELD", description = "sort by this field, named as in JSON")
    private @Nullable String sortBy;

    /**
     * Before anybody is asked: whether the list has what is named.
     *
     * @throws CliException if not
     */
    public void check(Listing listing) {
        wanted().forEach((field, values) -> values.forEach(value -> listing.requireValue("--filter", field, value)));
        if (sortBy != null) {
            listing.requireField("--sort-by", sortBy);
        }
    }

    /** Those of the rows that are meant, in their order. */
    public List<Fields> of(List<Fields> rows) {
        if (filters.isEmpty() && sortBy == null) {
            return rows;
        }
        var wanted = wanted();
        var out = new ArrayList<>(rows);
        out.removeIf(row -> !wanted.entrySet().stream().allMatch(each -> has(row.get(each.getKey()), each.getValue())));
        var field = sortBy;
        if (field != null) {
            out.sort((a, b) -> compare(a.get(field), b.get(field)));
        }
        return out;
    }

    /** The values of each field that is named. */
    private Map<String, List<String>> wanted() {
        var out = new LinkedHashMap<String, List<String>>();
        for (var filter : filters) {
            var equals = filter.indexOf('=');
            if (equals < 1) {
                throw CliException.usage(
                        "--filter " + Text.oneLine(filter) + " is not of the form FIELD=VALUE",
                        "for example --filter status=running");
            }
            out.computeIfAbsent(filter.substring(0, equals), _ -> new ArrayList<>())
                    .add(filter.substring(equals + 1));
        }
        return out;
    }

    /** One value of a list is enough; what is not known is as an empty text. */
    private static boolean has(@Nullable Object value, List<String> wanted) {
        if (value instanceof List<?> list) {
            return list.isEmpty()
                    ? wanted.contains("")
                    : list.stream().anyMatch(each -> wanted.contains(String.valueOf(each)));
        }
        return wanted.contains(value == null ? "" : value.toString());
    }

    /** Numbers by their size, all else as text; what is not known comes last. */
    private static int compare(@Nullable Object a, @Nullable Object b) {
        if (a == null || b == null) {
            return Boolean.compare(a == null, b == null);
        }
        if (a instanceof Number x && b instanceof Number y) {
            return Double.compare(x.doubleValue(), y.doubleValue());
        }
        return a.toString().compareTo(b.toString());
    }
}
