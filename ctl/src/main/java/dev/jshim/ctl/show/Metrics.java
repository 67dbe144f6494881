package dev.jshim.ctl.show;

import com.google.protobuf.Message;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What most people look for in a container's counters, of cgroup v1 or v2.
 *
 * @param memory bytes; null if the cgroup does not count it, as for the others
 * @param memoryLimit bytes; null if there is none
 * @param cpuMillis processor time since the container's start
 * @param processesLimit null if there is none
 */
record Metrics(
        @Nullable Long memory,
        @Nullable Long memoryLimit,
        @Nullable Long cpuMillis,
        @Nullable Long processes,
        @Nullable Long processesLimit) {
    /** Nothing is known. */
    static final Metrics NONE = new Metrics(null, null, null, null, null);

    /** The kernel's word for no limit on v1 is the greatest number of pages, in bytes. */
    private static final long NO_LIMIT = 1L << 60;

    static Metrics of(Message message) {
        return switch (message) {
            case dev.jshim.proto.v2.cgroup1.Metrics v1 ->
                new Metrics(
                        v1.hasMemory() ? v1.getMemory().getUsage().getUsage() : null,
                        v1.hasMemory() ? limit(v1.getMemory().getUsage().getLimit()) : null,
                        v1.hasCpu()
                                ? TimeUnit.NANOSECONDS.toMillis(
                                        v1.getCpu().getUsage().getTotal())
                                : null,
                        v1.hasPids() ? v1.getPids().getCurrent() : null,
                        v1.hasPids() ? limit(v1.getPids().getLimit()) : null);
            case dev.jshim.proto.v2.cgroup2.Metrics v2 ->
                new Metrics(
                        v2.hasMemory() ? v2.getMemory().getUsage() : null,
                        v2.hasMemory() ? limit(v2.getMemory().getUsageLimit()) : null,
                        v2.hasCpu() ? TimeUnit.MICROSECONDS.toMillis(v2.getCpu().getUsageUsec()) : null,
                        v2.hasPids() ? v2.getPids().getCurrent() : null,
                        v2.hasPids() ? limit(v2.getPids().getLimit()) : null);
            default -> NONE;
        };
    }

    /** Limits are unsigned: those above what a long can hold are negative here. */
    private static @Nullable Long limit(long limit) {
        return limit <= 0 || limit >= NO_LIMIT ? null : limit;
    }
}
