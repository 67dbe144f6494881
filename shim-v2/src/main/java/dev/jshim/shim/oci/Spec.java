package dev.jshim.shim.oci;

import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * What a shim has to know of a container's config.json; all else is the runtime's business.
 *
 * @param ownPidNamespace whether the container has a pid namespace that it shares with nobody
 */
public record Spec(Map<String, String> annotations, boolean ownPidNamespace) {
    public Spec {
        annotations = Map.copyOf(annotations);
    }

    /**
     * Reads a bundle's config.json.
     *
     * @throws IOException with a message that names the file and says what is wrong
     */
    public static Spec read(Path bundle) throws IOException {
        var file = bundle.resolve("config.json");
        try (var json = new JsonReader(Files.newBufferedReader(file))) {
            return read(json);
        } catch (NoSuchFileException e) {
            throw new IOException(file + " is missing: a bundle needs the container's OCI spec", e);
        } catch (IOException | IllegalStateException e) {
            throw new IOException(file + " cannot be read as an OCI spec: " + e.getMessage(), e);
        }
    }

    private static Spec read(JsonReader json) throws IOException {
        Map<String, String> annotations = new HashMap<>();
        var ownPidNamespace = false;
        json.beginObject();
        while (json.hasNext()) {
            switch (json.nextName()) {
                case "annotations" -> readStrings(json, annotations);
                case "linux" -> ownPidNamespace = readLinux(json);
                default -> json.skipValue();
            }
        }
        json.endObject();
        return new Spec(annotations, ownPidNamespace);
    }

    private static void readStrings(JsonReader json, Map<String, String> into) throws IOException {
        if (skipNull(json)) {
            return;
        }
        json.beginObject();
        while (json.hasNext()) {
            into.put(json.nextName(), readString(json));
        }
        json.endObject();
    }

    private static boolean readLinux(JsonReader json) throws IOException {
        if (skipNull(json)) {
            return false;
        }
        var ownPidNamespace = false;
        json.beginObject();
        while (json.hasNext()) {
            if (json.nextName().equals("namespaces") && json.peek() == JsonToken.BEGIN_ARRAY) {
                json.beginArray();
                while (json.hasNext()) {
                    ownPidNamespace |= isOwnPidNamespace(json);
                }
                json.endArray();
            } else {
                json.skipValue();
            }
        }
        json.endObject();
        return ownPidNamespace;
    }

    private static boolean isOwnPidNamespace(JsonReader json) throws IOException {
        var type = "";
        var path = "";
        json.beginObject();
        while (json.hasNext()) {
            switch (json.nextName()) {
                case "type" -> type = readString(json);
                case "path" -> path = readString(json);
                default -> json.skipValue();
            }
        }
        json.endObject();
        return type.equals("pid") && path.isEmpty();
    }

    private static String readString(JsonReader json) throws IOException {
        return skipNull(json) ? "" : json.nextString();
    }

    private static boolean skipNull(JsonReader json) throws IOException {
        if (json.peek() == JsonToken.NULL) {
            json.nextNull();
            return true;
        }
        return false;
    }
}
