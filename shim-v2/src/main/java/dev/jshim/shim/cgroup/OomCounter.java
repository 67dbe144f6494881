package dev.jshim.shim.cgroup;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The file in which the kernel counts what it killed in a cgroup for want of memory: {@code memory.oom_control} (v1),
 * {@code memory.events} (v2). It is raised before the signal is sent (mm/oom_kill.c {@code __oom_kill_process}), so
 * that whoever has seen the victim dead finds it counted.
 */
record OomCounter(Path file) {
    /**
     * One reading.
     *
     * @param kills how many, unsigned; -1 if the kernel does not count them (v1 before Linux 4.13)
     * @param killsDisabled whether processes are stopped instead of killed, so that there is nothing to count (v1)
     */
    record Reading(long kills, boolean killsDisabled) {
        boolean counts() {
            return kills >= 0;
        }
    }

    /**
     * Reads the file; null when the cgroup has been removed.
     *
     * @throws IOException when it exists and cannot be read or understood
     */
    @Nullable
    Reading read() throws IOException {
        var kills = new long[] {-1};
        var disabled = new boolean[1];
        try {
            new StatFiles().keyValues(file, (key, value) -> {
                switch (key) {
                    case "oom_kill" -> kills[0] = value;
                    case "oom_kill_disable" -> disabled[0] = value != 0;
                    default -> {}
                }
            });
        } catch (IOException e) {
            if (Files.notExists(file)) {
                return null;
            }
            throw e;
        }
        return new Reading(kills[0], disabled[0]);
    }
}
