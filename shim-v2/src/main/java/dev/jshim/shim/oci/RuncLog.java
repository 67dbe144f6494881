package dev.jshim.shim.oci;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The log that an OCI runtime writes with {@code --log-format json}: a stream of objects, with any white space in and
 * between them. runc and crun up to 1.8 write one a line, crun 1.28 one over five lines. Lines of the runtime's stderr
 * may stand between. For one thread.
 */
final class RuncLog {
    /** What the name of its file begins with, in the bundle. */
    static final String NAME = "log-";

    /** Deeper than any log nests; what is deeper is no object of a log, and is not looked through to its end. */
    private static final int DEEP = 100;

    private final String text;
    private String error = "";
    private String words = "";

    private RuncLog(String text) {
        this.text = text;
    }

    /** Whether that is the file of such a log, by its name. */
    static boolean isIn(Path file) {
        var name = file.getFileName();
        return name != null && name.toString().startsWith(NAME);
    }

    /** The last error in it, or else the last line that is no object; empty if it cannot be read. */
    static String lastError(Path log) {
        try {
            // With what is no UTF-8 replaced: a message may name a file of the container.
            return new RuncLog(new String(Files.readAllBytes(log), StandardCharsets.UTF_8)).last();
        } catch (IOException e) {
            return "";
        }
    }

    private String last() {
        for (var at = skipBlanks(0); at < text.length(); at = skipBlanks(at)) {
            var end = text.charAt(at) == '{' ? objectEnd(at) : -1;
            at = end > 0 && take(text.substring(at, end)) ? end : takeLine(at);
        }
        return (error.isEmpty() ? words : error).strip();
    }

    private int skipBlanks(int from) {
        var at = from;
        while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
            at++;
        }
        return at;
    }

    /** Takes what is no object; of one that was cut, by the death of a runtime, no line is a word of anybody. */
    private int takeLine(int from) {
        var end = text.indexOf('\n', from);
        var line = text.substring(from, end < 0 ? text.length() : end);
        if ("{}\"".indexOf(line.charAt(0)) < 0) {
            words = line;
        }
        return from + line.length();
    }

    /** After the brace that closes the one at a place; -1 for none. A string of JSON has no line end in it. */
    private int objectEnd(int from) {
        var depth = 0;
        var quoted = false;
        for (var at = from; at < text.length() && depth < DEEP; at++) {
            switch (text.charAt(at)) {
                case '"' -> quoted = !quoted;
                case '\\' -> at++;
                case '\n' -> {
                    if (quoted) {
                        return -1;
                    }
                }
                case '{' -> depth += quoted ? 0 : 1;
                case '}' -> {
                    depth -= quoted ? 0 : 1;
                    if (depth == 0) {
                        return at + 1;
                    }
                }
                default -> {}
            }
        }
        return -1;
    }

    /** Takes an object's message if it is an error's; false if it is no object. */
    private boolean take(String json) {
        try {
            if (JsonParser.parseString(json) instanceof JsonObject object) {
                error = text(object.get("level")).equals("error") ? text(object.get("msg")) : error;
                return true;
            }
        } catch (JsonParseException e) {
            return false; // As Go prints a map, for one.
        }
        return false;
    }

    private static String text(@Nullable JsonElement value) {
        return value instanceof JsonPrimitive primitive ? primitive.getAsString() : "";
    }
}
