package dev.jshim.ctl.output;

import com.google.gson.stream.JsonWriter;
import java.io.FilterWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Writes {@link Fields} as JSON; what is not known is null, so that every key is always there. */
public final class Json {
    private Json() {}

    public static void write(PrintWriter out, Fields fields) {
        write(out, fields, "  ");
    }

    /** All in one line, for what has no end. */
    public static void writeLine(PrintWriter out, Fields fields) {
        write(out, fields, "");
    }

    /** A value in one line, without the end of it. */
    static String inLine(Object value) {
        var text = new StringWriter();
        var out = new PrintWriter(text);
        write(out, value, "");
        return text.toString().strip();
    }

    private static void write(PrintWriter out, Object value, String indent) {
        var json = new JsonWriter(new Escaping(out));
        json.setIndent(indent);
        json.setHtmlSafe(false);
        try {
            value(json, value);
            json.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        out.println();
    }

    /** Escapes the control characters that JSON allows as they are, and a terminal obeys all the same: 7f to 9f. */
    private static final class Escaping extends FilterWriter {
        Escaping(Writer out) {
            super(out);
        }

        @Override
        public void write(int c) throws IOException {
            if (c >= 0x7f && c <= 0x9f) {
                out.write(String.format("\\u%04x", c));
            } else {
                out.write(c);
            }
        }

        @Override
        public void write(char[] text, int from, int length) throws IOException {
            for (var i = from; i < from + length; i++) {
                write(text[i]);
            }
        }

        @Override
        public void write(String text, int from, int length) throws IOException {
            for (var i = from; i < from + length; i++) {
                write(text.charAt(i));
            }
        }
    }

    /** A text in quotes, fit for YAML too. */
    static String quoted(String text) {
        var out = new StringWriter();
        try (var json = new JsonWriter(new Escaping(out))) {
            json.value(text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toString();
    }

    /** No switch: the JVM would build it again at each start, see {@link dev.jshim.node.Answer}. */
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
