package dev.jshim.shim.cgroup;

import com.google.protobuf.Message;
import dev.jshim.proto.v2.cgroup1.CPUStat;
import dev.jshim.proto.v2.cgroup1.CPUUsage;
import dev.jshim.proto.v2.cgroup1.HugetlbStat;
import dev.jshim.proto.v2.cgroup1.Metrics;
import dev.jshim.proto.v2.cgroup1.PidsStat;
import dev.jshim.proto.v2.cgroup1.Throttle;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A cgroup on v1 hierarchies, also on a hybrid host. Mirrors containerd/cgroups cgroup1 ({@code Load}, {@code Stat}
 * with {@code IgnoreNotExist}) as vendored by containerd v2.1.4. The messages {@code network} and {@code cgroup_stats}
 * of the metrics are never set, as there.
 */
public final class Cgroup1 implements Cgroup {
    /** In the order of preference for listing processes; runc lists those of {@code devices}. */
    private static final List<String> CONTROLLERS =
            List.of("devices", "freezer", "pids", "memory", "cpu", "cpuacct", "blkio", "cpuset", "rdma", "hugetlb");

    /** USER_HZ, the unit of cpuacct.stat: 100 on every architecture that containers run on. */
    private static final long NANOS_PER_TICK = 1_000_000_000L / 100;

    private final Host host;
    private final Map<String, Path> directories;
    private final Path processes;

    private Cgroup1(Host host, Map<String, Path> directories, Path processes) {
        this.host = host;
        this.directories = Map.copyOf(directories);
        this.processes = processes;
    }

    static Cgroup1 locate(Host host, Membership membership, MountTable mounts) throws IOException {
        var directories = new HashMap<String, Path>();
        Path processes = null;
        var places = new ArrayList<String>();
        for (var controller : CONTROLLERS) {
            var cgroup = membership.byController().get(controller);
            var place = cgroup == null ? null : mounts.locate(controller, cgroup);
            if (place == null) {
                continue;
            }
            places.add(place);
            var directory = host.at(place);
            if (Files.isDirectory(directory)) {
                directories.put(controller, directory);
                processes = processes == null ? directory : processes;
            }
        }
        if (places.isEmpty()) {
            throw new IOException("no mounted cgroup hierarchy holds " + membership.byController());
        }
        if (processes == null) {
            throw new NoSuchFileException(places.getFirst(), null, "the cgroup was removed");
        }
        return new Cgroup1(host, directories, processes);
    }

    /** Its directory in the hierarchy of the memory controller, or null. */
    @Nullable
    Path memory() {
        return directories.get("memory");
    }

    @Override
    public List<Integer> pids() throws IOException {
        return ProcessTree.pids(processes);
    }

    @Override
    public Message stats() throws IOException {
        return new Reading().metrics();
    }

    /** One reading of the metrics; of a controller whose files are absent the fields that were read before remain. */
    private final class Reading {
        private final StatFiles files = new StatFiles();
        private final Metrics.Builder metrics = Metrics.newBuilder();

        Metrics metrics() throws IOException {
            // These two are set even when nothing could be read.
            metrics.getCpuBuilder().setUsage(CPUUsage.getDefaultInstance());
            metrics.getCpuBuilder().setThrottling(Throttle.getDefaultInstance());
            read("pids", this::pids);
            read("cpu", directory -> throttling(directory, metrics.getCpuBuilder()));
            read("cpuacct", directory -> usage(directory, metrics.getCpuBuilder()));
            read("memory", directory -> new Memory1(files, directory).read(metrics));
            read("blkio", directory -> new Blkio1(files, directory, host).read(metrics.getBlkioBuilder()));
            read("rdma", directory -> Rdma1.read(files, directory, metrics));
            read("hugetlb", this::hugetlb);
            return metrics.build();
        }

        private void read(String controller, Controller reader) throws IOException {
            var directory = directories.get(controller);
            if (directory == null) {
                return;
            }
            try {
                reader.read(directory);
            } catch (NoSuchFileException e) {
                return;
            }
        }

        private void pids(Path directory) throws IOException {
            metrics.setPids(PidsStat.newBuilder()
                    .setCurrent(files.number(directory.resolve("pids.current"), 0))
                    .setLimit(files.number(directory.resolve("pids.max"), 0)));
        }

        private void throttling(Path directory, CPUStat.Builder cpu) throws IOException {
            var throttling = cpu.getThrottlingBuilder();
            files.keyValues(directory.resolve("cpu.stat"), (key, value) -> {
                switch (key) {
                    case "nr_periods" -> throttling.setPeriods(value);
                    case "nr_throttled" -> throttling.setThrottledPeriods(value);
                    case "throttled_time" -> throttling.setThrottledTime(value);
                    default -> {}
                }
            });
        }

        /** All or nothing: the usage is only set when all three files were read. */
        private void usage(Path directory, CPUStat.Builder cpu) throws IOException {
            var stat = directory.resolve("cpuacct.stat");
            var ticks = new HashMap<String, Long>(4);
            files.keyValues(stat, ticks::put);
            var user = ticks.get("user");
            var system = ticks.get("system");
            if (user == null || system == null) {
                throw new IOException(stat + " lacks \"user\" or \"system\"");
            }
            var usage = CPUUsage.newBuilder()
                    .setUser(user * NANOS_PER_TICK)
                    .setKernel(system * NANOS_PER_TICK)
                    .setTotal(files.number(directory.resolve("cpuacct.usage"), 0));
            var perCpu = directory.resolve("cpuacct.usage_percpu");
            for (var nanos : files.fields(perCpu)) {
                usage.addPerCpu(StatFiles.unsigned(nanos, perCpu, nanos));
            }
            cpu.setUsage(usage);
        }

        private void hugetlb(Path directory) throws IOException {
            for (var size : HugePages.sorted(host)) {
                var prefix = "hugetlb." + size;
                metrics.addHugetlb(HugetlbStat.newBuilder()
                        .setPagesize(size)
                        .setUsage(files.number(directory.resolve(prefix + ".usage_in_bytes"), 0))
                        .setMax(files.number(directory.resolve(prefix + ".max_usage_in_bytes"), 0))
                        .setFailcnt(files.number(directory.resolve(prefix + ".failcnt"), 0)));
            }
        }
    }

    private interface Controller {
        void read(Path directory) throws IOException;
    }
}
