package dev.jshim.bridge.record;

import dev.jshim.linux.ProcessId;
import dev.jshim.node.SmallFile;
import dev.jshim.task.Ids;
import dev.jshim.task.ShimException;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What is adopted: the content of the file {@link #FILE} in the bundle that the adoption added. Its presence marks that
 * bundle as ours. The launcher's {@code delete}, a shell script, reads the file too: one line for each key, {@code key
 * value}.
 *
 * @param v1Bundle the v1 runtime's state bundle
 * @param v1Work the v1 runtime's work directory
 * @param socket the shim's address as containerd writes it: {@code unix:///path}, or a bare abstract name
 * @param runtime the OCI binary
 * @param runtimeRoot the OCI binary's {@code --root}
 */
public record AdoptedRecord(
        String namespace,
        String id,
        Path v1Bundle,
        Path v1Work,
        ProcessId shim,
        ProcessId init,
        String socket,
        String runtime,
        Path runtimeRoot) {
    public static final String FILE = "jshim.v1";

    private static final int MAX_BYTES = 64 << 10;

    public AdoptedRecord {
        Ids.requireSafe("namespace", namespace);
        Ids.requireSafe("container id", id);
        requireOwn(v1Bundle, namespace, id);
        requireOwn(v1Work, namespace, id);
        for (var text : List.of(v1Bundle.toString(), v1Work.toString(), socket, runtime, runtimeRoot.toString())) {
            requireLine(text);
        }
    }

    /** Both are removed with all their content when the container is deleted. */
    private static void requireOwn(Path folder, String namespace, String id) {
        if (!folder.isAbsolute() || !folder.equals(folder.normalize()) || !folder.endsWith(Path.of(namespace, id))) {
            throw new IllegalArgumentException(folder + " is not a directory of " + namespace + "/" + id);
        }
    }

    /** A shell reads the file, too: line by line, and without blanks at either end of a line. */
    private static void requireLine(String text) {
        if (text.isEmpty() || !text.equals(text.strip()) || text.chars().anyMatch(Character::isISOControl)) {
            throw new IllegalArgumentException("\"" + text.replaceAll("\\p{Cntrl}", "?") + "\" is no line of text");
        }
    }

    public TaskId task() {
        return new TaskId(namespace, id);
    }

    /** Namespace and id: ids are unique only within their namespace. */
    public String key() {
        return namespace + "/" + id;
    }

    /** For a line of the log: the container, and then more keys, each with its value. */
    public @Nullable Object[] named(@Nullable Object... more) {
        return Stream.concat(Stream.of("ns", namespace, "id", id), Stream.of(more))
                .toArray();
    }

    /**
     * Whether this is the path of the container's v2 bundle: a folder named after its id, in one named after its
     * namespace.
     */
    public boolean isOf(Path bundle) {
        return bundle.endsWith(Path.of(namespace, id));
    }

    /** Whether an old daemon has created another container of the same id since, in the same v1 bundle. */
    public boolean isAnothers() {
        return differs(v1Bundle.resolve("init.pid"), init.pid()) || differs(v1Bundle.resolve("shim.pid"), shim.pid());
    }

    private static boolean differs(Path file, int pid) {
        try {
            return Files.exists(file) && !Files.readString(file).strip().equals(Integer.toString(pid));
        } catch (IOException e) {
            return true;
        }
    }

    /** The file's content. */
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
     * Reads the record of a bundle.
     *
     * @throws IOException also for a file that is damaged; the message names it
     */
    public static AdoptedRecord read(Path bundle) throws IOException {
        var file = bundle.resolve(FILE);
        try {
            var bytes = SmallFile.bytes(file, MAX_BYTES);
            if (bytes == null) {
                throw new NoSuchFileException(file.toString());
            }
            return parse(new String(bytes, StandardCharsets.UTF_8));
        } catch (IllegalArgumentException e) {
            throw new IOException(file + " is damaged: " + e.getMessage(), e);
        }
    }

    /** The record of a bundle; null if it has none, or a damaged one. */
    public static @Nullable AdoptedRecord readable(Path bundle) {
        try {
            return read(bundle);
        } catch (IOException e) {
            return null;
        }
    }

    /**
     * Parses the file's content.
     *
     * @throws IllegalArgumentException that says what is wrong with it
     */
    public static AdoptedRecord parse(String text) {
        Map<String, String> values = new LinkedHashMap<>();
        for (var line : text.split("\n", -1)) {
            var space = line.indexOf(' ');
            if (space > 0 && values.put(line.substring(0, space), line.substring(space + 1)) != null) {
                throw new IllegalArgumentException(line.substring(0, space) + " is there twice");
            }
        }
        try {
            return new AdoptedRecord(
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

    private static ProcessId process(Map<String, String> values, String who) {
        var pid = Integer.parseInt(need(values, who + "-pid"));
        if (pid <= 0) {
            throw new IllegalArgumentException(who + "-pid is " + pid);
        }
        return new ProcessId(pid, Long.parseLong(need(values, who + "-start")));
    }

    private static String need(Map<String, String> values, String key) {
        var value = values.get(key);
        if (value == null || value.isEmpty()) {
            throw new IllegalArgumentException("no " + key);
        }
        return value;
    }
}
