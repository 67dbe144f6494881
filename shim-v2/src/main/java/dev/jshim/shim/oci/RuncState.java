package dev.jshim.shim.oci;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;

/** What an OCI runtime's command {@code state} prints: JSON that the runtime spec defines. */
final class RuncState {
    private RuncState() {}

    /** The bundle that it names; empty if it names none. */
    static Optional<Path> bundle(String json) {
        try {
            return text(json, "bundle").map(Path::of);
        } catch (InvalidPathException e) {
            return Optional.empty();
        }
    }

    /** The status that it says, such as {@code running}, or {@code paused} if the cgroup is frozen; else empty. */
    static String status(String json) {
        return text(json, "status").orElse("");
    }

    private static Optional<String> text(String json, String key) {
        try {
            var state = JsonParser.parseString(json);
            var value = state instanceof JsonObject object ? object.get(key) : null;
            return value == null || !value.isJsonPrimitive() ? Optional.empty() : Optional.of(value.getAsString());
        } catch (JsonParseException e) {
            return Optional.empty();
        }
    }
}
