package dev.jshim.node.bundle;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.jshim.node.SmallFile;
import dev.jshim.task.Printable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads what {@link OciConfig} has from a config.json (OCI runtime-spec, config.md); never throws. */
final class OciConfigReader {
    private static final int MAX_BYTES = 16 * 1024 * 1024;

    private static final String CRI = "io.kubernetes.cri.";

    private OciConfigReader() {}

    static OciConfig read(Path bundle) {
        try {
            var bytes = SmallFile.bytes(bundle.resolve("config.json"), MAX_BYTES);
            return bytes == null ? new OciConfig.Missing() : parse(new String(bytes, StandardCharsets.UTF_8));
        } catch (IOException e) {
            return new OciConfig.Broken(String.valueOf(e.getMessage()));
        }
    }

    static OciConfig parse(String json) {
        try {
            if (!(JsonParser.parseString(json) instanceof JsonObject spec)) {
                return new OciConfig.Broken("config.json is not a JSON object");
            }
            var process = object(spec, "process");
            var linux = object(spec, "linux");
            return new OciConfig.Spec(
                    strings(process, "args"),
                    string(process, "cwd"),
                    string(spec, "hostname"),
                    process != null
                            && process.has("terminal")
                            && process.get("terminal").getAsBoolean(),
                    namespaces(linux),
                    string(linux, "cgroupsPath"),
                    string(spec, "ociVersion"),
                    pod(object(spec, "annotations")));
        } catch (JsonParseException | IllegalStateException | UnsupportedOperationException | StackOverflowError e) {
            // gson wraps what its reader says, and puts the name of that class before it.
            var said = e.getCause() == null ? e : e.getCause();
            return new OciConfig.Broken("config.json is not valid: " + Printable.of(String.valueOf(said.getMessage())));
        }
    }

    private static OciConfig.@Nullable Pod pod(@Nullable JsonObject annotations) {
        var namespace = string(annotations, CRI + "sandbox-namespace");
        var name = string(annotations, CRI + "sandbox-name");
        var container = string(annotations, CRI + "container-name");
        return name.isEmpty() && container.isEmpty() ? null : new OciConfig.Pod(namespace, name, container);
    }

    private static @Nullable JsonObject object(JsonObject from, String key) {
        var value = from.get(key);
        return value == null || value.isJsonNull() ? null : value.getAsJsonObject();
    }

    private static String string(@Nullable JsonObject from, String key) {
        var value = from == null ? null : from.get(key);
        return value == null || value.isJsonNull() ? "" : value.getAsString();
    }

    private static List<String> strings(@Nullable JsonObject from, String key) {
        var out = new ArrayList<String>();
        for (var value : array(from, key)) {
            out.add(value.getAsString());
        }
        return out;
    }

    private static List<String> namespaces(@Nullable JsonObject linux) {
        var out = new ArrayList<String>();
        for (JsonElement value : array(linux, "namespaces")) {
            var namespace = value.getAsJsonObject();
            var path = string(namespace, "path");
            out.add(path.isEmpty() ? string(namespace, "type") : string(namespace, "type") + ":" + path);
        }
        return out;
    }

    private static JsonArray array(@Nullable JsonObject from, String key) {
        var value = from == null ? null : from.get(key);
        return value == null || value.isJsonNull() ? new JsonArray() : value.getAsJsonArray();
    }
}
