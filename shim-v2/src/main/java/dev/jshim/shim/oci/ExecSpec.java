package dev.jshim.shim.oci;

import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.JsonWriter;
import com.google.protobuf.ByteString;
import dev.jshim.task.ShimException;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * The OCI runtime spec's Process of an exec, which is read as a stream: it may be as long as a message, and as a tree
 * it would take ten times that.
 */
final class ExecSpec {
    private static final String TERMINAL = "terminal";

    private ExecSpec() {}

    /**
     * Leaves the spec as the runtime is to have it in a file, which must not exist. Whether there is a terminal is said
     * by the request and not by the spec (process/init.go exec, v2.1.4); all else stays as it came.
     *
     * @throws ShimException INVALID_ARGUMENT for what is no JSON object; there is no file then
     * @throws IOException if it cannot be written; half of a file may be there
     */
    static void write(ByteString spec, boolean terminal, Path file) throws IOException {
        var asItIs = isTerminal(spec) == terminal;
        var attributes = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
        Files.createFile(file, attributes);
        try (var out = Files.newOutputStream(file, StandardOpenOption.WRITE)) {
            if (asItIs) {
                spec.writeTo(out);
            } else {
                copy(spec, terminal, out);
            }
        }
    }

    private static boolean isTerminal(ByteString spec) {
        try (var json = reader(spec)) {
            var terminal = false;
            json.beginObject();
            while (json.hasNext()) {
                if (json.nextName().equals(TERMINAL) && json.peek() != JsonToken.NULL) {
                    terminal = json.nextBoolean();
                } else {
                    json.skipValue();
                }
            }
            json.endObject();
            if (json.peek() != JsonToken.END_DOCUMENT) {
                throw new IllegalStateException("there is data after it");
            }
            return terminal;
        } catch (IOException | IllegalStateException e) {
            throw new ShimException(
                    ShimException.Kind.INVALID_ARGUMENT, "the exec's spec is not a JSON object: " + e.getMessage(), e);
        }
    }

    private static JsonReader reader(ByteString spec) {
        return new JsonReader(new InputStreamReader(spec.newInput(), StandardCharsets.UTF_8));
    }

    private static void copy(ByteString spec, boolean terminal, OutputStream to) throws IOException {
        try (var from = reader(spec);
                var out = new JsonWriter(new OutputStreamWriter(to, StandardCharsets.UTF_8))) {
            from.beginObject();
            out.beginObject().name(TERMINAL).value(terminal);
            while (from.hasNext()) {
                var name = from.nextName();
                if (name.equals(TERMINAL)) {
                    from.skipValue();
                } else {
                    copyValue(from, out.name(name));
                }
            }
            from.endObject();
            out.endObject();
        }
    }

    /** One value, with all that is in it. Not by recursion: it may be deep. */
    private static void copyValue(JsonReader from, JsonWriter to) throws IOException {
        var depth = 0;
        do {
            switch (from.peek()) {
                case BEGIN_OBJECT -> {
                    from.beginObject();
                    to.beginObject();
                    depth++;
                }
                case END_OBJECT -> {
                    from.endObject();
                    to.endObject();
                    depth--;
                }
                case BEGIN_ARRAY -> {
                    from.beginArray();
                    to.beginArray();
                    depth++;
                }
                case END_ARRAY -> {
                    from.endArray();
                    to.endArray();
                    depth--;
                }
                case NAME -> to.name(from.nextName());
                case STRING -> to.value(from.nextString());
                // As it was written, whatever a double would make of it.
                case NUMBER -> to.jsonValue(from.nextString());
                case BOOLEAN -> to.value(from.nextBoolean());
                case NULL -> {
                    from.nextNull();
                    to.nullValue();
                }
                case END_DOCUMENT -> throw new IOException("the exec's spec has changed");
            }
        } while (depth > 0);
    }
}
