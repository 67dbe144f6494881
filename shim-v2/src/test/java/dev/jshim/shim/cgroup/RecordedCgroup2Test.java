package dev.jshim.shim.cgroup;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.proto.v2.cgroup2.HugeTlbStat;
import dev.jshim.proto.v2.cgroup2.Metrics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a kernel wrote of a paused container on the unified hierarchy, and what the Go shim said of it just then. */
class RecordedCgroup2Test {
    @TempDir
    Path directory;

    @ParameterizedTest(name = "{0}")
    @CsvSource({"v2-recorded, 1293, false", "v2-recorded-psi, 273, true"})
    void readsWhatTheGoShimReported(String recording, int init, boolean hasPressure) throws IOException {
        var go = GoMetrics.parse(Files.readString(HostTree.resource(recording + "-metrics.json")));

        var cgroup = Cgroup.of(HostTree.copyOf(recording, directory).host(), init);
        var metrics = inOrderOfRecording((Metrics) cgroup.stats());

        // The averages of pressure decay also while a container is paused, and their file was read a moment earlier.
        assertThat(go.differences(metrics)).allMatch(line -> line.matches("/\\w+/psi/(some|full)/avg\\d+: .*"));
        // Not a recording of nothing.
        assertThat(metrics.getCpu().getNrThrottled()).isPositive();
        assertThat(metrics.getCpu().getPsi().getSome().getTotal() > 0).isEqualTo(hasPressure);
        assertThat(metrics.getIo().getPsi().getFull().getTotal() > 0).isEqualTo(hasPressure);
        assertThat(metrics.getMemory().getSwapUsage()).isPositive();
        assertThat(metrics.getMemoryEvents().getOomKill()).isPositive();
        assertThat(metrics.getIo().getUsageList()).hasSize(1);
        assertThat(cgroup.pids()).hasSize((int) metrics.getPids().getCurrent()).contains(init);
    }

    /** Sizes of huge pages come as the file system lists them: that of the copy is not the kernel's own. */
    private static Metrics inOrderOfRecording(Metrics metrics) {
        var smallestFirst = metrics.getHugetlbList().stream()
                .sorted(Comparator.comparing(
                        (HugeTlbStat size) -> size.getPagesize().endsWith("GB")))
                .toList();
        return metrics.toBuilder().clearHugetlb().addAllHugetlb(smallestFirst).build();
    }
}
