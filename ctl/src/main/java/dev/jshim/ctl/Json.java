package dev.jshim.ctl;

import com.google.gson.stream.JsonWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Writes {@link Fields} as JSON; what is not known is null, so that every key is always there. */
final class Json {
    private Json() {}

    static void write(PrintWriter out, Fields fields) {
        write(out, fields, "  ");
    }

    /** All in one line, for what has no end. */
    static void writeLine(PrintWriter out, Fields fields) {
        write(out, fields, "");
    }

    private static void write(PrintWriter out, Fields fields, String indent) {
        var json = new JsonWriter(out);
        json.setIndent(indent);
        json.setHtmlSafe(false);
        try {
            value(json, fields);
            json.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        out.println();
    }

    /** A text in quotes, fit for YAML too. */
    static String quoted(String text) {
        var out = new StringWriter();
        try (var json = new JsonWriter(out)) {
            json.value(text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toString();
    }

    /** No switch: the JVM would build it anew at each start, see {@link dev.jshim.node.Answer}. */
    @SuppressWarnings("IfChainToSwitch")
    private static void value(JsonWriter json, @Nullable Object value) throws IOException {
        if (value == null) {
            json.nullValue();
        } else if (value instanceof Fields fields) {
            json.beginObject();
            for (var entry : fields.values().entrySet()) {
                json.name(entry.getKey());
                value(json, entry.getValue());
            }
            json.endObject();
        } else if (value instanceof List<?> list) {
            json.beginArray();
            for (var each : list) {
                value(json, each);
            }
            json.endArray();
        } else if (value instanceof Number number) {
            json.value(number);
        } else if (value instanceof Boolean bool) {
            json.value(bool);
        } else {
            json.value(value.toString());
        }
    }
}
