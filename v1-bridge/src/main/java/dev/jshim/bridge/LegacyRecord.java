package dev.jshim.bridge;

import dev.jshim.node.ProcessRef;
import dev.jshim.node.TaskId;
import dev.jshim.shim.task.Ids;
import dev.jshim.shim.task.ShimException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What is known of an adopted container, as it stands in the file {@link #FILE} of the bundle that the adoption added.
 * Its presence marks that bundle as ours. The {@code delete} of the launcher reads the file too, with nothing but a
 * shell: one line a key, {@code key value}.
 *
 * @param v1Bundle the v1 runtime's state bundle
 * @param v1Work the v1 runtime's work directory
 * @param socket the shim's address as containerd writes it: {@code unix:///path}, or a bare abstract name
 * @param runtime the OCI binary
 * @param runtimeRoot the OCI binary's {@code --root}
 */
public record LegacyRecord(
        String namespace,
        String id,
        Path v1Bundle,
        Path v1Work,
        ProcessRef shim,
        ProcessRef init,
        String socket,
        String runtime,
        Path runtimeRoot) {
    public static final String FILE = "jshim.v1";

    public LegacyRecord {
        Ids.requireSafe("namespace", namespace);
        Ids.requireSafe("container id", id);
    }

    public TaskId task() {
        return new TaskId(namespace, id);
    }

    /** Namespace and id: ids are unique only within their namespace. */
    public String key() {
        return namespace + "/" + id;
    }

    /** The file's text. */
    public String text() {
        return """
                namespace %s
                id %s
                v1-bundle %s
                v1-work %s
                shim-pid %d
                shim-start %d
                init-pid %d
                init-start %d
                socket %s
                runtime %s
                runtime-root %s
                """.formatted(
                        namespace,
                        id,
                        v1Bundle,
                        v1Work,
                        shim.pid(),
                        shim.startTicks(),
                        init.pid(),
                        init.startTicks(),
                        socket,
                        runtime,
                        runtimeRoot);
    }

    /**
     * Reads the file of a bundle.
     *
     * @throws IOException also for a file that is damaged; the message names it
     */
    public static LegacyRecord read(Path bundle) throws IOException {
        var file = bundle.resolve(FILE);
        try {
            return parse(Files.readString(file));
        } catch (IllegalArgumentException e) {
            throw new IOException(file + " is damaged: " + e.getMessage(), e);
        }
    }

    /**
     * Reads the file's text.
     *
     * @throws IllegalArgumentException that says what is wrong with it
     */
    public static LegacyRecord parse(String text) {
        Map<String, String> values = new LinkedHashMap<>();
        for (var line : text.lines().toList()) {
            var space = line.indexOf(' ');
            if (space > 0) {
                values.put(line.substring(0, space), line.substring(space + 1));
            }
        }
        try {
            return new LegacyRecord(
                    need(values, "namespace"),
                    need(values, "id"),
                    Path.of(need(values, "v1-bundle")),
                    Path.of(need(values, "v1-work")),
                    process(values, "shim"),
                    process(values, "init"),
                    need(values, "socket"),
                    need(values, "runtime"),
                    Path.of(need(values, "runtime-root")));
        } catch (ShimException | InvalidPathException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }

    private static ProcessRef process(Map<String, String> values, String who) {
        return new ProcessRef(
                Integer.parseInt(need(values, who + "-pid")), Long.parseLong(need(values, who + "-start")));
    }

    private static String need(Map<String, String> values, String key) {
        var value = values.get(key);
        if (value == null || value.isEmpty()) {
            throw new IllegalArgumentException("no " + key);
        }
        return value;
    }
}
