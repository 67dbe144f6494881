package dev.jshim.ctl.output;

import java.io.PrintWriter;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Writes {@link Fields} for a person: a line each, indented; what is not known is left out. */
public final class Outline {
    private static final String INDENT = "  ";

    private final PrintWriter out;
    private final boolean hasColor;

    private Outline(PrintWriter out, boolean hasColor) {
        this.out = out;
        this.hasColor = hasColor;
    }

    public static void write(PrintWriter out, Screen screen, Fields fields) {
        new Outline(out, screen.hasColor()).fields("", fields);
    }

    private void fields(String indent, Fields fields) {
        var width = 0;
        for (var entry : fields.values().entrySet()) {
            if (isPlain(entry.getValue())) {
                width = Math.max(width, entry.getKey().length());
            }
        }
        for (var entry : fields.values().entrySet()) {
            field(indent, entry.getKey(), width, entry.getValue());
        }
    }

    private void field(String indent, String name, int width, @Nullable Object value) {
        switch (value) {
            case null -> {}
            case Fields inner -> {
                out.println(indent + name + ":");
                fields(indent + INDENT, inner);
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
                        + shown(name, Text.oneLine(value)));
        }
    }

    private String shown(String name, String value) {
        return hasColor ? Color.value(name, value) : value;
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
