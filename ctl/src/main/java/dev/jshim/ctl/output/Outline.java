package dev.jshim.ctl.output;

import java.io.PrintWriter;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Writes {@link Fields} for a person: a line each, indented; what is not known is left out. */
public final class Outline {
    private static final String INDENT = "  ";

    private Outline() {}

    public static void write(PrintWriter out, Fields fields) {
        fields(out, "", fields);
    }

    private static void fields(PrintWriter out, String indent, Fields fields) {
        var width = 0;
        for (var entry : fields.values().entrySet()) {
            if (isPlain(entry.getValue())) {
                width = Math.max(width, entry.getKey().length());
            }
        }
        for (var entry : fields.values().entrySet()) {
            field(out, indent, entry.getKey(), width, entry.getValue());
        }
    }

    private static void field(PrintWriter out, String indent, String name, int width, @Nullable Object value) {
        switch (value) {
            case null -> {}
            case Fields inner -> {
                out.println(indent + name + ":");
                fields(out, indent + INDENT, inner);
            }
            case List<?> list when list.isEmpty() -> {}
            case List<?> list -> {
                out.println(indent + name + ":");
                for (var each : list) {
                    out.println(indent + INDENT + (each instanceof Fields row ? line(row) : Text.oneLine(each)));
                }
            }
            default ->
                out.println(indent + name + ":" + " ".repeat(Math.max(0, width - name.length()) + 1)
                        + Text.oneLine(value));
        }
    }

    private static boolean isPlain(@Nullable Object value) {
        return value != null && !(value instanceof Fields) && !(value instanceof List);
    }

    /** The values of a row that are known, in one line. */
    public static String line(Fields row) {
        var out = new StringBuilder();
        for (var value : row.values().values()) {
            if (value != null) {
                var text = value instanceof Fields inner ? pairs(inner) : Text.oneLine(value);
                out.append(out.isEmpty() ? "" : "  ").append(text);
            }
        }
        return out.toString();
    }

    private static String pairs(Fields fields) {
        var out = new StringBuilder();
        fields.values()
                .forEach((name, value) -> out.append(out.isEmpty() ? "" : " ")
                        .append(name)
                        .append('=')
                        .append(value instanceof Fields inner ? "{" + pairs(inner) + "}" : Text.oneLine(value)));
        return out.toString();
    }
}
