package dev.jshim.ctl.task;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import dev.jshim.ctl.cli.CliException;
import dev.jshim.linux.Terminal;
import dev.jshim.node.bundle.Bundle;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The process of an exec: the container's own, as its config.json has it, with another command line. */
final class ExecProcess {
    /** Go's typeurl name of the OCI runtime spec's Process (2.1.4, client/container.go and typeurl's registry). */
    private static final String TYPE = "types.containerd.io/opencontainers/runtime-spec/1/Process";

    private ExecProcess() {}

    /**
     * @param environment NAME=VALUE, added to the container's
     * @param cwd empty for the container's
     * @param terminal the size of the terminal that it is to have; null for none
     */
    static Any of(
            Bundle bundle,
            List<String> command,
            List<String> environment,
            String cwd,
            Terminal.@Nullable Size terminal) {
        try {
            var config = JsonParser.parseString(Files.readString(bundle.path().resolve("config.json")))
                    .getAsJsonObject();
            var process = config.getAsJsonObject("process");
            process.add("args", texts(command));
            process.addProperty("terminal", terminal != null);
            process.remove("consoleSize");
            if (terminal != null) {
                addTerminal(process, terminal);
            }
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
                    "an exec needs its user, environment and capabilities; restart the container");
        }
    }

    /** Its size from the first instant, and its kind if the container's environment names none. */
    private static void addTerminal(JsonObject process, Terminal.Size terminal) {
        if (terminal.columns() > 0 && terminal.rows() > 0) {
            var size = new JsonObject();
            size.addProperty("height", terminal.rows());
            size.addProperty("width", terminal.columns());
            process.add("consoleSize", size);
        }
        var kind = System.getenv("TERM");
        var known = process.has("env") ? process.getAsJsonArray("env").asList() : List.<JsonElement>of();
        if (kind != null && known.stream().noneMatch(each -> each.getAsString().startsWith("TERM="))) {
            add(process, List.of("TERM=" + kind));
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
