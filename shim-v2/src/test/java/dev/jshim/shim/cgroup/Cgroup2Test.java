package dev.jshim.shim.cgroup;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.TextFormat;
import dev.jshim.proto.v2.cgroup2.CPUStat;
import dev.jshim.proto.v2.cgroup2.IOEntry;
import dev.jshim.proto.v2.cgroup2.Metrics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Cgroup2Test {
    private static final int INIT = 4242;
    private static final String WEB = "/sys/fs/cgroup/system.slice/web.scope/";

    @TempDir
    Path directory;

    private HostTree tree;

    @BeforeEach
    void copyFiles() throws IOException {
        tree = HostTree.copyOf("v2", directory);
    }

    @Test
    void readsEveryFieldThatContainerdReports() throws IOException {
        var expected = Files.readString(HostTree.resource("v2-metrics.textproto"));

        assertThat(metrics()).isEqualTo(TextFormat.parse(expected, Metrics.class));
    }

    @Test
    void listsTheProcessesOfNestedCgroupsOnceAndInOrder() throws IOException {
        assertThat(cgroup().pids()).containsExactly(4242, 4250, 4251);
    }

    @Test
    void takesTheProcessesOfThreadedCgroupsFromTheirDomain() throws IOException {
        tree.write(WEB + "threads/cgroup.type", "threaded\n").write(WEB + "threads/cgroup.procs", "unreadable");

        assertThat(cgroup().pids()).containsExactly(4242, 4250, 4251);
    }

    @Test
    void listsAnyNumberOfProcesses() throws IOException {
        var all = IntStream.rangeClosed(10_001, 30_000).boxed().toList();
        tree.write(WEB + "cgroup.procs", all.stream().map(String::valueOf).collect(joining("\n", "", "\n")));
        tree.delete(WEB + "nested");

        assertThat(cgroup().pids()).isEqualTo(all);
    }

    @Test
    void refusesAListThatIsNone() throws IOException {
        tree.write(WEB + "nested/cgroup.procs", "4251\nx\n");

        var cgroup = cgroup();
        assertThatThrownBy(cgroup::pids).isInstanceOf(IOException.class).hasMessageContaining("nested/cgroup.procs");
    }

    @Test
    void hasNoProcessesAndNoMetricsWhenItIsGone() throws IOException {
        var cgroup = cgroup();
        tree.delete(WEB);

        assertThat(cgroup.pids()).isEmpty();
        assertThatThrownBy(cgroup::stats).isInstanceOf(NoSuchFileException.class);
    }

    @Test
    void withoutControllersReportsEmptyMessages() throws IOException {
        tree.delete(WEB).write(WEB + "cgroup.controllers", "\n").write(WEB + "cpu.stat", "usage_usec 9\n");
        tree.delete("/sys/kernel");

        var metrics = metrics();
        assertThat(metrics.getCpu()).isEqualTo(CPUStat.getDefaultInstance());
        assertThat(metrics.hasPids() && metrics.hasCpu() && metrics.hasMemory()).isTrue();
        assertThat(metrics.hasIo() && metrics.hasRdma()).isTrue();
        assertThat(metrics.hasMemoryEvents()).isFalse();
        assertThat(metrics.getHugetlbList()).isEmpty();
    }

    @ParameterizedTest(name = "{0} of \"{1}\"")
    @CsvSource({"cpu.stat,usage_usec", "memory.stat,anon x", "memory.events,low 1 2"})
    void refusesMalformedStatistics(String file, String text) throws IOException {
        tree.write(WEB + file, text);

        assertThatThrownBy(this::metrics).isInstanceOf(IOException.class).hasMessageContaining(file);
    }

    @ParameterizedTest(name = "{0} of \"{1}\"")
    @CsvSource({"pids.current,''", "pids.current,x", "memory.pressure,some avg10", "memory.pressure,some total=x"})
    void countsOtherMalformedFilesAsAbsent(String file, String text) throws IOException {
        tree.write(WEB + file, text);
        var malformed = metrics();
        tree.delete(WEB + file);

        assertThat(malformed).isEqualTo(metrics());
    }

    @Test
    void readsAsMuchOfTheDevicesAsContainerd() throws IOException {
        tree.write(WEB + "io.stat", "8:0 8:16 rbytes=1 wbytes=x\nfull\n8:1:1 rbytes=2\nx:1 rbytes=3\n8:2 rbytes=4\n");

        assertThat(metrics().getIo().getUsageList())
                .containsExactly(IOEntry.newBuilder().setMajor(8).setRbytes(1).build());
    }

    @Test
    void refusesAProcessOutsideOfWhatIsMounted() throws IOException {
        tree.write("/proc/" + INIT + "/cgroup", "0::/../other\n");

        assertThatThrownBy(this::cgroup).isInstanceOf(IOException.class).hasMessageContaining("/../other");
    }

    private Cgroup cgroup() throws IOException {
        return Cgroup.of(tree.host(), INIT);
    }

    private Metrics metrics() throws IOException {
        return (Metrics) cgroup().stats();
    }
}
