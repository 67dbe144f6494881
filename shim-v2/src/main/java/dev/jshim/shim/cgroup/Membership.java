package dev.jshim.shim.cgroup;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The content of one {@code /proc/PID/cgroup}, man cgroups(7).
 *
 * @param byController the cgroup of each v1 controller; a named hierarchy has its {@code name=} kept
 * @param unified the cgroup in the v2 hierarchy, null if there is none
 */
record Membership(
        Map<String, String> byController, @Nullable String unified) {

    Membership {
        byController = Map.copyOf(byController);
    }

    /** @throws IOException that quotes the first line that is not {@code id:controllers:path} */
    static Membership parse(String text) throws IOException {
        var byController = new HashMap<String, String>();
        String unified = null;
        for (var line : new Lines(text)) {
            var controllersAt = line.indexOf(':') + 1;
            var pathAt = line.indexOf(':', controllersAt) + 1;
            if (controllersAt == 0 || pathAt == 0) {
                throw new IOException("invalid cgroup entry: \"" + line + "\"");
            }
            // The path comes last and may itself hold colons, as the systemd style slice:prefix:name does.
            var path = line.substring(pathAt);
            if (pathAt == controllersAt + 1) {
                unified = path;
                continue;
            }
            for (var controller : Lines.fields(line.substring(controllersAt, pathAt - 1), ",")) {
                byController.put(controller, path);
            }
        }
        return new Membership(byController, unified);
    }
}
