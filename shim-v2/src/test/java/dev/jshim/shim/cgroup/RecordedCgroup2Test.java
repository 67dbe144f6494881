package dev.jshim.shim.cgroup;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.proto.v2.cgroup2.Metrics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a kernel wrote of a paused container on the unified hierarchy, and what the Go shim said of it just then. */
class RecordedCgroup2Test {
    private static final int INIT = 1293;

    @TempDir
    Path directory;

    @Test
    void readsWhatTheGoShimReported() throws IOException {
        var go = GoMetrics.parse(Files.readString(HostTree.resource("v2-recorded-metrics.json")));

        var cgroup = HostTree.copyOf("v2-recorded", directory).host().cgroupOf(INIT);
        var metrics = (Metrics) cgroup.stats();

        assertThat(go.differences(metrics)).isEmpty();
        // Not a recording of nothing.
        assertThat(metrics.getCpu().getNrThrottled()).isPositive();
        assertThat(metrics.getMemory().getSwapUsage()).isPositive();
        assertThat(metrics.getMemoryEvents().getOomKill()).isPositive();
        assertThat(metrics.getIo().getUsageList()).hasSize(1);
        assertThat(cgroup.pids()).hasSize((int) metrics.getPids().getCurrent()).contains(INIT);
    }
}
