package dev.jshim.ctl;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import dev.jshim.node.Bundle;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;

/** The process of an exec: the container's own, as its config.json has it, with another command line. */
final class ExecProcess {
    /** Go's typeurl name of the OCI runtime spec's Process (2.1.4, client/container.go and typeurl's registry). */
    private static final String TYPE = "types.containerd.io/opencontainers/runtime-spec/1/Process";

    private ExecProcess() {}

    /**
     * @param environment NAME=VALUE, added to the container's
     * @param cwd empty for the container's
     */
    static Any of(Bundle bundle, List<String> command, List<String> environment, String cwd) {
        try {
            var config = JsonParser.parseString(Files.readString(bundle.path().resolve("config.json")))
                    .getAsJsonObject();
            var process = config.getAsJsonObject("process");
            process.add("args", texts(command));
            process.addProperty("terminal", false);
            if (!cwd.isEmpty()) {
                process.addProperty("cwd", cwd);
            }
            add(process, environment);
            return Any.newBuilder()
                    .setTypeUrl(TYPE)
                    .setValue(ByteString.copyFromUtf8(process.toString()))
                    .build();
        } catch (IOException | JsonParseException | IllegalStateException | ClassCastException e) {
            throw CliException.failed(
                    "the config.json of " + bundle.task() + " cannot be used: " + e.getMessage(),
                    "an exec takes user, environment and capabilities from it");
        }
    }

    private static void add(JsonObject process, List<String> environment) {
        var all = process.has("env") ? process.getAsJsonArray("env") : new JsonArray();
        environment.forEach(all::add);
        process.add("env", all);
    }

    private static JsonArray texts(List<String> texts) {
        var out = new JsonArray();
        texts.forEach(out::add);
        return out;
    }
}
