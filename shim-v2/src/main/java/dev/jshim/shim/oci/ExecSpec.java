package dev.jshim.shim.oci;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.protobuf.ByteString;
import dev.jshim.shim.task.ShimException;
import java.nio.charset.StandardCharsets;

/** The OCI runtime spec's Process of an exec. */
final class ExecSpec {
    private ExecSpec() {}

    /**
     * The spec of a process that is to have a terminal, for that is said by the request and not by the spec
     * (process/init.go exec, v2.1.4). Any other spec goes to the runtime as it came.
     */
    static byte[] withTerminal(ByteString spec) {
        try {
            var json = JsonParser.parseString(spec.toStringUtf8()).getAsJsonObject();
            if (isTerminal(json)) {
                return spec.toByteArray();
            }
            json.addProperty("terminal", true);
            return json.toString().getBytes(StandardCharsets.UTF_8);
        } catch (JsonParseException | IllegalStateException | UnsupportedOperationException e) {
            throw new ShimException(
                    ShimException.Kind.INVALID_ARGUMENT, "the exec's spec is not a JSON object: " + e.getMessage(), e);
        }
    }

    private static boolean isTerminal(JsonObject process) {
        var terminal = process.get("terminal");
        return terminal != null && terminal.getAsBoolean();
    }
}
