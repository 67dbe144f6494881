package dev.jshim.shim.oci;

import com.google.gson.stream.JsonReader;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The log that an OCI runtime writes with {@code --log-format json}: one object a line. It may hold lines of the
 * runtime's stderr beside.
 */
final class RuncLog {
    private RuncLog() {}

    /** The last error in it, or else the last line that is no object; empty where it cannot be read. */
    static String lastError(Path log) {
        var last = "";
        var words = "";
        try {
            for (var line : Files.readAllLines(log)) {
                var error = error(line);
                last = error.isEmpty() ? last : error;
                words = line.isBlank() || line.startsWith("{") ? words : line;
            }
        } catch (IOException e) {
            return last;
        }
        return (last.isEmpty() ? words : last).strip();
    }

    private static String error(String line) {
        var level = "";
        var message = "";
        try (var json = new JsonReader(new StringReader(line))) {
            json.beginObject();
            while (json.hasNext()) {
                switch (json.nextName()) {
                    case "level" -> level = json.nextString();
                    case "msg" -> message = json.nextString();
                    default -> json.skipValue();
                }
            }
        } catch (IOException | IllegalStateException e) {
            return ""; // A runtime that was killed leaves half a line.
        }
        return level.equals("error") ? message : "";
    }
}
