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
     * The spec as the runtime is to have it. Whether there is a terminal is said by the request and not by the spec
     * (process/init.go exec, v2.1.4); all else stays as it came.
     *
     * @throws ShimException INVALID_ARGUMENT for what is no JSON object
     */
    static byte[] of(ByteString spec, boolean terminal) {
        try {
            var json = JsonParser.parseString(spec.toStringUtf8()).getAsJsonObject();
            if (isTerminal(json) == terminal) {
                return spec.toByteArray();
            }
            json.addProperty("terminal", terminal);
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
