package dev.jshim.shim.cgroup;

import com.google.protobuf.Message;
import dev.jshim.proto.v2.cgroup2.HugeTlbStat;
import dev.jshim.proto.v2.cgroup2.IOStat;
import dev.jshim.proto.v2.cgroup2.MemoryEvents;
import dev.jshim.proto.v2.cgroup2.Metrics;
import dev.jshim.proto.v2.cgroup2.PSIStats;
import dev.jshim.proto.v2.cgroup2.PidsStat;
import dev.jshim.proto.v2.cgroup2.RdmaEntry;
import dev.jshim.proto.v2.cgroup2.RdmaStat;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A cgroup of the unified hierarchy. Mirrors containerd/cgroups cgroup2/manager.go {@code Stat} as vendored by
 * containerd v2.1.4: only {@code cpu.stat}, {@code memory.stat}, {@code memory.events} and the list of controllers can
 * make a reading fail, every other file that is absent or unreadable counts as 0. A limit of {@code max} is all ones.
 */
public final class Cgroup2 implements Cgroup {
    private static final String MOUNT_POINT = "/sys/fs/cgroup";

    /** math.MaxUint64. */
    private static final long UNLIMITED = -1L;

    private final Host host;
    private final Path directory;

    private Cgroup2(Host host, Path directory) {
        this.host = host;
        this.directory = directory;
    }

    static Cgroup2 locate(Host host, Membership membership, MountTable mounts) throws IOException {
        var mount = mounts.unified(MOUNT_POINT);
        var cgroup = membership.unified();
        var place = mount == null || cgroup == null ? null : mount.locate(cgroup);
        if (place == null) {
            throw new IOException("the cgroup2 mount does not show the cgroup \"" + cgroup + "\"");
        }
        return new Cgroup2(host, host.at(place));
    }

    Path memoryEvents() {
        return directory.resolve("memory.events");
    }

    @Override
    public List<Integer> pids() throws IOException {
        return ProcessTree.pids(directory);
    }

    @Override
    public Message stats() throws IOException {
        return new Reading().metrics();
    }

    /** One reading of the metrics. */
    private final class Reading {
        private final StatFiles files = new StatFiles();
        private final Metrics.Builder metrics = Metrics.newBuilder();

        Metrics metrics() throws IOException {
            var controllers = files.fields(directory.resolve("cgroup.controllers"));
            metrics.setPids(
                    PidsStat.newBuilder().setCurrent(number("pids.current")).setLimit(number("pids.max")));
            cpu(controllers.contains("cpu"));
            memory(controllers.contains("memory"));
            events();
            metrics.setIo(io());
            metrics.setRdma(
                    RdmaStat.newBuilder().addAllCurrent(rdma("rdma.current")).addAllLimit(rdma("rdma.max")));
            for (var size : HugePages.listed(host)) {
                metrics.addHugetlb(HugeTlbStat.newBuilder()
                        .setPagesize(size)
                        .setCurrent(number("hugetlb." + size + ".current"))
                        .setMax(number("hugetlb." + size + ".max")));
            }
            return metrics.build();
        }

        /** The kernel prints the times even without the controller; they are only reported with it. */
        private void cpu(boolean isEnabled) throws IOException {
            var cpu = metrics.getCpuBuilder();
            if (isEnabled) {
                keyValues("cpu.stat", (key, value) -> {
                    switch (key) {
                        case "usage_usec" -> cpu.setUsageUsec(value);
                        case "user_usec" -> cpu.setUserUsec(value);
                        case "system_usec" -> cpu.setSystemUsec(value);
                        case "nr_periods" -> cpu.setNrPeriods(value);
                        case "nr_throttled" -> cpu.setNrThrottled(value);
                        case "throttled_usec" -> cpu.setThrottledUsec(value);
                        default -> {}
                    }
                });
            }
            var pressure = pressure("cpu.pressure");
            if (pressure != null) {
                cpu.setPsi(pressure);
            }
        }

        private void memory(boolean isEnabled) throws IOException {
            var memory = metrics.getMemoryBuilder();
            if (isEnabled) {
                keyValues("memory.stat", (key, value) -> Memory2.set(memory, key, value));
            }
            memory.setUsage(number("memory.current"))
                    .setUsageLimit(number("memory.max"))
                    .setMaxUsage(number("memory.peak"))
                    .setSwapUsage(number("memory.swap.current"))
                    .setSwapLimit(number("memory.swap.max"))
                    .setSwapMaxUsage(number("memory.swap.peak"));
            var pressure = pressure("memory.pressure");
            if (pressure != null) {
                memory.setPsi(pressure);
            }
        }

        /** Unset, not empty, if there is no such file or nothing in it. */
        private void events() throws IOException {
            var events = MemoryEvents.newBuilder();
            var seen = new ArrayList<String>(6);
            keyValues("memory.events", (key, value) -> {
                seen.add(key);
                switch (key) {
                    case "low" -> events.setLow(value);
                    case "high" -> events.setHigh(value);
                    case "max" -> events.setMax(value);
                    case "oom" -> events.setOom(value);
                    case "oom_kill" -> events.setOomKill(value);
                    default -> {}
                }
            });
            if (!seen.isEmpty()) {
                metrics.setMemoryEvents(events);
            }
        }

        private IOStat.Builder io() {
            var io = IOStat.newBuilder();
            var text = textOrNull("io.stat");
            if (text != null) {
                io.addAllUsage(Io2.parse(text));
            }
            var pressure = pressure("io.pressure");
            return pressure == null ? io : io.setPsi(pressure);
        }

        private List<RdmaEntry> rdma(String name) {
            var entries = new ArrayList<RdmaEntry>();
            var text = textOrNull(name);
            for (var device : text == null ? List.<RdmaDevice>of() : RdmaDevice.parse(text)) {
                entries.add(RdmaEntry.newBuilder()
                        .setDevice(device.name())
                        .setHcaHandles(device.handles())
                        .setHcaObjects(device.objects())
                        .build());
            }
            return entries;
        }

        private @Nullable PSIStats pressure(String name) {
            var text = textOrNull(name);
            return text == null ? null : Pressure2.parse(text);
        }

        private void keyValues(String name, StatFiles.KeyValue sink) throws IOException {
            try {
                files.keyValues(directory.resolve(name), sink);
            } catch (NoSuchFileException e) {
                return;
            }
        }

        private long number(String name) {
            try {
                return files.number(directory.resolve(name), UNLIMITED);
            } catch (IOException e) {
                return 0;
            }
        }

        /** Pressure files also answer EOPNOTSUPP, if the accounting is switched off for one cgroup. */
        private @Nullable String textOrNull(String name) {
            try {
                return files.text(directory.resolve(name));
            } catch (IOException e) {
                return null;
            }
        }
    }
}
