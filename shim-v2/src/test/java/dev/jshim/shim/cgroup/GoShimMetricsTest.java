package dev.jshim.shim.cgroup;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.proto.v2.cgroup1.Metrics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Compares with the Go shim of this machine. Needs root, containerd, runc, a static busybox and a cgroup v1 host. */
@Tag("root")
@Timeout(60)
class GoShimMetricsTest {
    @TempDir
    Path directory;

    @Test
    void readsWhatTheGoShimReportsForAPausedContainer() throws IOException {
        try (var containerd = new GoContainerd(directory)) {
            var init = containerd.run("sleep 1000 & sleep 1001 & wait");
            var cgroup = Cgroup.of(init);
            var before = (Metrics) cgroup.stats();
            // Without a limit the kernel counts no block I/O.
            throttle(containerd.cgroup("blkio"));
            containerd.exec("dd if=/dev/zero of=/f bs=1M count=4 conv=fsync; i=0;"
                    + " while [ $i -lt 100000 ]; do i=$((i+1)); done");
            containerd.pause();

            compare(containerd, cgroup);

            var after = (Metrics) cgroup.stats();
            assertThat(after.getCpu().getUsage().getTotal())
                    .isGreaterThan(before.getCpu().getUsage().getTotal());
            assertThat(after.getBlkio().getIoServiceBytesRecursiveList()).isNotEmpty();
            assertThat(CgroupStats.read(init)).isInstanceOf(Metrics.class);
            assertThat(cgroup.pids()).hasSize(3).containsExactlyElementsOf(containerd.pids());
        }
    }

    /** Also of a paused container the kernel moves a counter at times: ours must then lie between two equal ones. */
    private static void compare(GoContainerd containerd, Cgroup cgroup) throws IOException {
        var attempts = 20;
        while (true) {
            var first = containerd.metrics();
            var ours = cgroup.stats();
            if (first.equals(containerd.metrics()) || --attempts == 0) {
                assertThat(first.differences(ours)).isEmpty();
                return;
            }
        }
    }

    private static void throttle(Path blkio) throws IOException {
        var disk = Lines.fields(Files.readAllLines(Path.of("/proc/partitions")).get(2), " \t");
        for (var direction : new String[] {"read", "write"}) {
            Files.writeString(
                    blkio.resolve("blkio.throttle." + direction + "_bps_device"),
                    disk.get(0) + ":" + disk.get(1) + " 10000000000");
        }
    }
}
