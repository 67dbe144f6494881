package dev.jshim.node.shim;

import dev.jshim.linux.ProcessId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import org.jspecify.annotations.Nullable;

/**
 * How a keeper and what it keeps stand, as it writes it down itself (launcher/README.md).
 *
 * @param process what it keeps; pid 0 while that is to be started again
 * @param state {@code starting}, {@code serving} or {@code waiting}
 * @param restarts how often it has died without an order
 * @param last how it died last, {@code -} if it never did
 * @param at when
 * @param hasFailed whether the last replacement did not come up
 */
public record KeeperState(
        ProcessId keeper, ProcessId process, String state, int restarts, String last, Instant at, boolean hasFailed) {
    private static final int MAX_BYTES = 4096;

    /** What a keeper has written; null if there is nothing that can be understood. */
    public static @Nullable KeeperState read(Path file) {
        try {
            if (Files.size(file) > MAX_BYTES) {
                return null;
            }
            var lines = new HashMap<String, String>();
            for (var line : Files.readAllLines(file)) {
                var words = line.split(" ", 2);
                lines.put(words[0], words.length < 2 ? "" : words[1]);
            }
            return new KeeperState(
                    process(lines.getOrDefault("keeper", "0 0")),
                    process(lines.getOrDefault("process", "0 0")),
                    lines.getOrDefault("state", ""),
                    Integer.parseInt(lines.getOrDefault("restarts", "0")),
                    lines.getOrDefault("last", "-"),
                    Instant.ofEpochSecond(Long.parseLong(lines.getOrDefault("at", "0"))),
                    lines.containsKey("failed"));
        } catch (IOException | NumberFormatException e) {
            return null;
        }
    }

    /** The same of a keeper that lives; else null. */
    public static @Nullable KeeperState living(Path file) {
        var state = read(file);
        return state == null || !state.keeper().isAlive() ? null : state;
    }

    private static ProcessId process(String words) {
        var fields = words.split(" ", 2);
        return new ProcessId(Integer.parseInt(fields[0]), Long.parseLong(fields[fields.length - 1]));
    }

    /** Whether what it keeps has come up. */
    public boolean isServing() {
        return state.equals("serving");
    }

    /** Whether what it keeps dies again and again, so that it waits before it starts that again. */
    public boolean isWaiting() {
        return state.equals("waiting");
    }
}
