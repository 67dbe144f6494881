package dev.jshim.ctl.output;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Writes {@link Fields} as YAML 1.2: the same keys and values as in JSON. What could be read otherwise is quoted. */
public final class Yaml {
    private static final String INDENT = "  ";
    private static final Pattern PLAIN = Pattern.compile("[A-Za-z/][A-Za-z0-9_./@-]*");

    /** What a reader of YAML 1.1 would not take for text. */
    private static final Set<String> WORDS = Set.of("true", "false", "null", "yes", "no", "on", "off", "y", "n");

    private Yaml() {}

    public static void write(PrintWriter out, Fields fields) {
        fields(out, "", fields, false);
    }

    /** @param inline whether the first key goes on with the line, behind the dash of a list */
    private static void fields(PrintWriter out, String indent, Fields fields, boolean inline) {
        var prefix = inline ? "" : indent;
        for (var entry : fields.values().entrySet()) {
            out.print(prefix + entry.getKey() + ":");
            prefix = indent;
            switch (entry.getValue()) {
                case Fields inner
                when !inner.values().isEmpty() -> {
                    out.println();
                    fields(out, indent + INDENT, inner, false);
                }
                case List<?> list
                when !list.isEmpty() -> {
                    out.println();
                    list(out, indent + INDENT, list);
                }
                case Fields _ -> out.println(" {}");
                case List<?> _ -> out.println(" []");
                case null -> out.println(" null");
                default -> out.println(" " + scalar(entry.getValue()));
            }
        }
    }

    private static void list(PrintWriter out, String indent, List<?> list) {
        for (var each : list) {
            out.print(indent + "- ");
            if (each instanceof Fields row) {
                fields(out, indent + INDENT, row, true);
            } else {
                out.println(scalar(each));
            }
        }
    }

    private static String scalar(@Nullable Object value) {
        return switch (value) {
            case null -> "null";
            case Number number -> number.toString();
            case Boolean bool -> bool.toString();
            default -> text(value.toString());
        };
    }

    private static String text(String text) {
        if (PLAIN.matcher(text).matches() && !WORDS.contains(text.toLowerCase(Locale.ROOT))) {
            return text;
        }
        return Json.quoted(text);
    }
}
