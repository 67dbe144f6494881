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
 * @param isRootOnHost whether its init is root, and root on the host: the user id is 0, and there is no user namespace
 */
public record Spec(Map<String, String> annotations, boolean ownPidNamespace, boolean isRootOnHost) {
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
        var namespaces = new Namespaces();
        var isRoot = false;
        json.beginObject();
        while (json.hasNext()) {
            switch (json.nextName()) {
                case "annotations" -> readStrings(json, annotations);
                case "linux" -> readLinux(json, namespaces);
                case "process" -> isRoot = readProcess(json);
                default -> json.skipValue();
            }
        }
        json.endObject();
        return new Spec(annotations, namespaces.ownPid, isRoot && !namespaces.user);
    }

    /** What is of interest of the container's namespaces. */
    private static final class Namespaces {
        private boolean ownPid;
        private boolean user;
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

    /** Answers whether its user is root; it is if nothing is said of it. */
    private static boolean readProcess(JsonReader json) throws IOException {
        if (skipNull(json)) {
            return false; // A spec without a process runs nothing.
        }
        var isRoot = true;
        json.beginObject();
        while (json.hasNext()) {
            if (json.nextName().equals("user") && json.peek() == JsonToken.BEGIN_OBJECT) {
                isRoot = readUser(json);
            } else {
                json.skipValue();
            }
        }
        json.endObject();
        return isRoot;
    }

    private static boolean readUser(JsonReader json) throws IOException {
        var isRoot = true;
        json.beginObject();
        while (json.hasNext()) {
            if (json.nextName().equals("uid") && json.peek() == JsonToken.NUMBER) {
                isRoot = json.nextString().equals("0"); // no number is too large
            } else {
                json.skipValue();
            }
        }
        json.endObject();
        return isRoot;
    }

    private static void readLinux(JsonReader json, Namespaces namespaces) throws IOException {
        if (skipNull(json)) {
            return;
        }
        json.beginObject();
        while (json.hasNext()) {
            if (json.nextName().equals("namespaces") && json.peek() == JsonToken.BEGIN_ARRAY) {
                json.beginArray();
                while (json.hasNext()) {
                    readNamespace(json, namespaces);
                }
                json.endArray();
            } else {
                json.skipValue();
            }
        }
        json.endObject();
    }

    private static void readNamespace(JsonReader json, Namespaces namespaces) throws IOException {
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
        namespaces.ownPid |= type.equals("pid") && path.isEmpty();
        namespaces.user |= type.equals("user");
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
