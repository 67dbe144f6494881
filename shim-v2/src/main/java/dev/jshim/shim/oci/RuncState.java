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

    /** The bundle that it names; empty where it names none. */
    static Optional<Path> bundle(String json) {
        try {
            var state = JsonParser.parseString(json);
            var bundle = state instanceof JsonObject object ? object.get("bundle") : null;
            return bundle == null || !bundle.isJsonPrimitive()
                    ? Optional.empty()
                    : Optional.of(Path.of(bundle.getAsString()));
        } catch (JsonParseException | InvalidPathException e) {
            return Optional.empty();
        }
    }
}
