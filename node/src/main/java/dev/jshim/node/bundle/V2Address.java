package dev.jshim.node.bundle;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.jshim.node.SmallFile;
import dev.jshim.node.bundle.V2Bundle.Endpoint;
import dev.jshim.node.bundle.V2Bundle.Protocol;
import dev.jshim.task.Printable;
import dev.jshim.task.ShimSocket;
import java.nio.file.Path;
import java.util.List;

/**
 * How a v2 shim is reached: {@code bootstrap.json} (2.x), else {@code address}, which 1.7 may also fill with that JSON
 * (2.1.4, core/runtime/v2/shim.go).
 */
final class V2Address {
    private static final Endpoint NONE = new Endpoint(null, 2, Protocol.TTRPC);

    private V2Address() {}

    static Endpoint of(Path bundle, List<String> problems) {
        for (var file : List.of("bootstrap.json", "address")) {
            var before = problems.size();
            var text = SmallFile.text(bundle.resolve(file), problems);
            if (text != null) {
                try {
                    return parse(text);
                } catch (IllegalArgumentException e) {
                    problems.add(file + ": " + e.getMessage());
                    return NONE;
                }
            }
            if (problems.size() > before) {
                return NONE;
            }
        }
        problems.add("neither bootstrap.json nor address has the shim's socket");
        return NONE;
    }

    private static Endpoint parse(String text) {
        if (!text.startsWith("{")) {
            return new Endpoint(ShimSocket.parse(text), 2, Protocol.TTRPC);
        }
        try {
            var json = JsonParser.parseString(text).getAsJsonObject();
            var version = json.has("version") ? json.get("version").getAsInt() : 2;
            var grpc = "grpc".equals(string(json, "protocol"));
            var address = string(json, "address");
            var bare = !address.startsWith(ShimSocket.SCHEME);
            var socket = grpc && bare && !address.isEmpty() ? ShimSocket.named(address) : ShimSocket.parse(address);
            return new Endpoint(socket, version, grpc ? Protocol.GRPC : Protocol.TTRPC);
        } catch (JsonParseException | IllegalStateException | UnsupportedOperationException | NumberFormatException e) {
            throw new IllegalArgumentException("not valid: " + Printable.of(String.valueOf(e.getMessage())), e);
        }
    }

    private static String string(JsonObject json, String key) {
        var value = json.get(key);
        return value == null || value.isJsonNull() ? "" : value.getAsString();
    }
}
