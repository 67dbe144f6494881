package dev.jshim.shim.cgroup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jshim.proto.v2.cgroup1.BlkIOEntry;
import dev.jshim.proto.v2.cgroup1.HugetlbStat;
import dev.jshim.proto.v2.cgroup1.MemoryEntry;
import dev.jshim.proto.v2.cgroup1.Metrics;
import dev.jshim.proto.v2.cgroup1.RdmaEntry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Cgroup1Test {
    private static final int INIT = 16876;
    private static final String CGROUPS = "/sys/fs/cgroup/";
    private static final String WEB = "/recorded/web/";

    @TempDir
    Path directory;

    private HostTree tree;

    @BeforeEach
    void copyRecordedFiles() throws IOException {
        tree = HostTree.copyOf("v1", directory);
    }

    @Test
    void readsWhatTheGoShimReportedForTheSameContainer() throws IOException {
        var go = GoMetrics.parse(Files.readString(HostTree.resource("v1-metrics.json")));

        assertThat(go.differences(metrics())).isEmpty();
        assertThat(metrics().getBlkio().getIoServicedRecursiveList()).isNotEmpty();
    }

    @Test
    void listsTheProcessesOfNestedCgroupsOnceAndInOrder() throws IOException {
        tree.write(CGROUPS + "devices" + WEB + "other/cgroup.procs", INIT + "\n7\n");

        assertThat(cgroup().pids()).containsExactly(7, INIT, 16892, 16893);
    }

    @Test
    void hasNoProcessesWhenItIsGone() throws IOException {
        var cgroup = cgroup();
        tree.delete(CGROUPS + "devices/recorded");

        assertThat(cgroup.pids()).isEmpty();
    }

    @Test
    void survivesTheEndOfInit() throws IOException {
        var cgroup = cgroup();
        var before = cgroup.stats();
        tree.delete("/proc/" + INIT);

        assertThat(cgroup.stats()).isEqualTo(before);
        assertThatThrownBy(this::cgroup).isInstanceOf(NoSuchFileException.class);
    }

    @Test
    void doesNotTakeTheWholeHostForAZombie() throws IOException {
        tree.write("/proc/" + INIT + "/cgroup", "5:devices:/\n");
        tree.write(
                "/proc/" + INIT + "/stat",
                INIT + " (a) S b) Z 1 1 1 0 -1 4227084" + " 0".repeat(8) + " 20 0 1 0 7 0\n");
        assertThatThrownBy(this::cgroup).isInstanceOf(NoSuchFileException.class).hasMessageContaining("has ended");
    }

    /** The kernel shows what it shows of a zombie, and of the other threads where they are. */
    @Test
    void findsTheCgroupOfAProcessWhoseFirstThreadAloneHasEnded() throws IOException {
        var process = "/proc/" + INIT;
        var cgroups = Files.readString(tree.host().at(process + "/cgroup"));
        var rest = " 0".repeat(8) + " 20 0 2 0 7 0\n";
        for (var first : List.of(process, process + "/task/" + INIT)) {
            tree.write(first + "/cgroup", "5:devices:/\n");
            tree.write(first + "/stat", INIT + " (web) Z 1 1 1 0 -1 4227084" + rest);
        }
        tree.write(process + "/task/7/cgroup", cgroups);
        tree.write(process + "/task/7/stat", "7 (web) S 1 1 1 0 -1 4194560" + rest);

        assertThat(cgroup().pids()).containsExactly(INIT, 16892, 16893);

        // It is about to end, too, and already where the first one is.
        tree.write(process + "/task/7/cgroup", "5:devices:/\n");
        tree.write(process + "/task/7/stat", "7 (web) R 1 1 1 0 -1 4194564" + rest);
        assertThatThrownBy(this::cgroup).isInstanceOf(NoSuchFileException.class).hasMessageContaining("has ended");
    }

    @Test
    void isNotFoundWhenRemovedFromEveryHierarchy() throws IOException {
        tree.write("/proc/" + INIT + "/cgroup", "5:devices:/gone/web (deleted)\n4:memory:/gone/web (deleted)\n");

        assertThatThrownBy(this::cgroup).isInstanceOf(NoSuchFileException.class).hasMessageContaining("/gone/web");
    }

    @Test
    void refusesAProcessThatNoMountedHierarchyHolds() throws IOException {
        tree.write("/proc/" + INIT + "/cgroup", "5:net_prio:/web\n0::/web\n");

        assertThatThrownBy(this::cgroup).isInstanceOf(IOException.class).hasMessageContaining("no mounted cgroup");
        assertThatThrownBy(() -> Cgroup.of(tree.host(), 0)).isInstanceOf(IOException.class);
    }

    @Test
    void withoutSwapAccountingLeavesSwapAndWhatFollowsEmpty() throws IOException {
        tree.delete(CGROUPS + "memory" + WEB + "memory.memsw.usage_in_bytes");

        var memory = metrics().getMemory();
        assertThat(memory.getUsage().getLimit()).isEqualTo(67108864);
        assertThat(List.of(memory.hasSwap(), memory.hasKernel(), memory.hasKernelTcp()))
                .containsOnly(true);
        assertThat(List.of(memory.getSwap(), memory.getKernel(), memory.getKernelTcp()))
                .containsOnly(MemoryEntry.getDefaultInstance());
    }

    @Test
    void withoutOomControlKeepsTheRestOfTheMemoryOnlyAsFarAsItWasRead() throws IOException {
        tree.delete(CGROUPS + "memory" + WEB + "memory.oom_control");

        assertThat(metrics().hasMemoryOomControl()).isFalse();
        assertThat(metrics().getMemory().getHierarchicalMemoryLimit()).isEqualTo(67108864);
        assertThat(metrics().getMemory().getUsage()).isEqualTo(MemoryEntry.getDefaultInstance());
    }

    @Test
    void reportsTheCpuTimesOnlyTogether() throws IOException {
        tree.delete(CGROUPS + "cpuacct" + WEB + "cpuacct.usage_percpu");

        assertThat(metrics().getCpu().hasUsage()).isTrue();
        assertThat(metrics().getCpu().getUsage().getTotal()).isZero();
        assertThat(metrics().getCpu().getThrottling().getPeriods()).isPositive();
    }

    @Test
    void leavesOutControllersThatAreNotMounted() throws IOException {
        tree.write("/proc/" + INIT + "/cgroup", "5:devices:/recorded/web\n4:net_cls:/recorded/web\n");

        var metrics = metrics();
        assertThat(metrics.hasMemory()).isFalse();
        assertThat(metrics.hasPids()).isFalse();
        assertThat(metrics.hasBlkio()).isFalse();
        assertThat(metrics.getCpu().hasUsage()).isTrue();
        assertThat(metrics.getCpu().hasThrottling()).isTrue();
    }

    @ParameterizedTest(name = "pids.max {0} is {1}")
    @CsvSource({"max,0", "-1,0", "-99999999999999999999,0", "18446744073709551615,-1", "17,17"})
    void readsLimits(String text, long limit) throws IOException {
        tree.write(CGROUPS + "pids" + WEB + "pids.max", text + "\n");

        assertThat(metrics().getPids().getLimit()).isEqualTo(limit);
    }

    @ParameterizedTest(name = "{0} with \"{1}\"")
    @CsvSource({
        "pids,pids.current,''",
        "pids,pids.max,seven",
        "cpu,cpu.stat,nr_periods",
        "cpu,cpu.stat,nr_periods 1 2",
        "cpuacct,cpuacct.stat,user 1",
        "cpuacct,cpuacct.usage_percpu,1 x",
        "memory,memory.stat,cache 18446744073709551616",
        "memory,memory.stat,cache -",
        "blkio,blkio.throttle.io_serviced,254:0",
        "blkio,blkio.throttle.io_serviced,254:x Read 1"
    })
    void refusesMalformedFilesByName(String controller, String file, String text) throws IOException {
        tree.write(CGROUPS + controller + WEB + file, text);

        assertThatThrownBy(this::metrics).isInstanceOf(IOException.class).hasMessageContaining(file);
    }

    @Test
    void prefersTheCountersOfTheCfqScheduler() throws IOException {
        var blkio = CGROUPS + "blkio" + WEB + "blkio.";
        for (var name : List.of("sectors", "io_service_bytes", "io_serviced", "io_queued")) {
            tree.write(blkio + name + "_recursive", "");
        }
        for (var name : List.of("io_service_time", "io_wait_time", "io_merged")) {
            tree.write(blkio + name + "_recursive", "Total 0\n");
        }
        tree.write(blkio + "time_recursive", "8:1 33\n");

        var read = metrics().getBlkio();
        assertThat(read.getIoTimeRecursiveList())
                .containsExactly(BlkIOEntry.newBuilder()
                        .setMajor(8)
                        .setMinor(1)
                        .setValue(33)
                        .build());
        assertThat(read.getIoServicedRecursiveList()).isEmpty();

        tree.write(blkio + "time_recursive", "Total 0\n");
        assertThat(metrics().getBlkio().getIoServicedRecursiveList()).isNotEmpty();
    }

    @Test
    void readsHugePagesAndRdmaWhereTheyAreMounted() throws IOException {
        tree.write("/proc/self/mountinfo", """
                40 31 0:40 / /sys/fs/cgroup/huge\\040tlb rw - cgroup cgroup rw,hugetlb
                41 31 0:41 / /sys/fs/cgroup/rdma rw shared:1 master:2 - cgroup cgroup rw,rdma
                """);
        tree.write("/proc/" + INIT + "/cgroup", "2:rdma:/web\n1:hugetlb:/web\n");
        for (var name : List.of("hugepages-2048kB", "hugepages-1048576kB", "hugepages-64kB", "other")) {
            tree.write("/sys/kernel/mm/hugepages/" + name + "/nr_hugepages", "0\n");
        }
        for (var size : List.of("1GB", "2MB")) {
            var prefix = CGROUPS + "huge tlb/web/hugetlb." + size;
            tree.write(prefix + ".usage_in_bytes", "1\n");
            tree.write(prefix + ".max_usage_in_bytes", "2\n");
            tree.write(prefix + ".failcnt", "3\n");
        }
        tree.write(CGROUPS + "rdma/web/rdma.current", "mlx4_0 hca_handle=2 hca_object=x\n");
        tree.write(CGROUPS + "rdma/web/rdma.max", "mlx4_0 hca_handle=max hca_object=3000\n");

        var metrics = metrics();
        // 64KB has no files here, and ends the list.
        assertThat(metrics.getHugetlbList()).containsExactly(hugetlb("1GB"), hugetlb("2MB"));
        assertThat(metrics.getRdma().getCurrentList()).containsExactly(rdma(2, 0));
        assertThat(metrics.getRdma().getLimitList()).containsExactly(rdma(-1, 3000));

        tree.write(CGROUPS + "rdma/web/rdma.max", "");
        assertThat(metrics().hasRdma()).isFalse();
    }

    private static HugetlbStat hugetlb(String size) {
        return HugetlbStat.newBuilder()
                .setPagesize(size)
                .setUsage(1)
                .setMax(2)
                .setFailcnt(3)
                .build();
    }

    private static RdmaEntry rdma(int handles, int objects) {
        return RdmaEntry.newBuilder()
                .setDevice("mlx4_0")
                .setHcaHandles(handles)
                .setHcaObjects(objects)
                .build();
    }

    private Cgroup cgroup() throws IOException {
        return Cgroup.of(tree.host(), INIT);
    }

    private Metrics metrics() throws IOException {
        return (Metrics) cgroup().stats();
    }
}
