package dev.jshim.node;

import org.jspecify.annotations.Nullable;

/**
 * A process, not only its number: pids are used again, a pid and a start time are not.
 *
 * @param startTicks clock ticks since boot, field 22 of /proc/PID/stat
 */
public record ProcessRef(int pid, long startTicks) {
    // As in TaskId, for the start.

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof ProcessRef process && pid == process.pid && startTicks == process.startTicks;
    }

    @Override
    public int hashCode() {
        return 31 * pid + Long.hashCode(startTicks);
    }
}
