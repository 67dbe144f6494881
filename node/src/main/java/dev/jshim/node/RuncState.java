package dev.jshim.node;

import com.google.gson.stream.JsonReader;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What runc keeps of a container in its {@code state.json} (runc v1.1, libcontainer/container_linux.go), as far as it
 * says whose it is.
 */
record RuncState(ProcessRef init, Path bundle) {
    private static final String BUNDLE = "bundle=";

    /** Reads a container's folder below runc's root; null where there is none of this form. */
    static @Nullable RuncState read(Path container) {
        var file = container.resolve("state.json");
        try (var in = Files.newBufferedReader(file)) {
            return parse(in);
        } catch (IOException | IllegalStateException | NumberFormatException | InvalidPathException e) {
            return null;
        }
    }

    private static @Nullable RuncState parse(Reader in) throws IOException {
        var pid = 0;
        var start = 0L;
        var bundle = "";
        var json = new JsonReader(in);
        json.beginObject();
        while (json.hasNext()) {
            switch (json.nextName()) {
                case "init_process_pid" -> pid = json.nextInt();
                case "init_process_start" -> start = json.nextLong();
                case "config" -> bundle = bundle(json);
                default -> json.skipValue();
            }
        }
        return pid <= 0 || bundle.isEmpty() ? null : new RuncState(new ProcessRef(pid, start), Path.of(bundle));
    }

    private static String bundle(JsonReader json) throws IOException {
        var bundle = "";
        json.beginObject();
        while (json.hasNext()) {
            if (!json.nextName().equals("labels")) {
                json.skipValue();
                continue;
            }
            json.beginArray();
            while (json.hasNext()) {
                var label = json.nextString();
                bundle = label.startsWith(BUNDLE) ? label.substring(BUNDLE.length()) : bundle;
            }
            json.endArray();
        }
        json.endObject();
        return bundle;
    }
}
