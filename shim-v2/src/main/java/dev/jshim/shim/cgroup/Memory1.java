package dev.jshim.shim.cgroup;

import dev.jshim.proto.v2.cgroup1.MemoryEntry;
import dev.jshim.proto.v2.cgroup1.MemoryOomControl;
import dev.jshim.proto.v2.cgroup1.MemoryStat;
import dev.jshim.proto.v2.cgroup1.Metrics;
import java.io.IOException;
import java.nio.file.Path;

/**
 * The memory controller of cgroup v1, in bytes and counts. Files are read in containerd's order and the first that is
 * absent ends the reading: without swap accounting, {@code swap}, {@code kernel} and {@code kernel_tcp} stay empty.
 */
record Memory1(StatFiles files, Path directory) {

    void read(Metrics.Builder metrics) throws IOException {
        var memory = MemoryStat.newBuilder();
        files.keyValues(directory.resolve("memory.stat"), (key, value) -> set(memory, key, value));
        memory.setUsage(MemoryEntry.getDefaultInstance())
                .setSwap(MemoryEntry.getDefaultInstance())
                .setKernel(MemoryEntry.getDefaultInstance())
                .setKernelTcp(MemoryEntry.getDefaultInstance());
        metrics.setMemory(memory);

        var oom = MemoryOomControl.newBuilder();
        files.keyValues(directory.resolve("memory.oom_control"), (key, value) -> {
            switch (key) {
                case "oom_kill_disable" -> oom.setOomKillDisable(value);
                case "under_oom" -> oom.setUnderOom(value);
                case "oom_kill" -> oom.setOomKill(value);
                default -> {}
            }
        });
        metrics.setMemoryOomControl(oom);

        var read = metrics.getMemoryBuilder();
        entry("memory.", read.getUsageBuilder());
        entry("memory.memsw.", read.getSwapBuilder());
        entry("memory.kmem.", read.getKernelBuilder());
        entry("memory.kmem.tcp.", read.getKernelTcpBuilder());
    }

    private void entry(String prefix, MemoryEntry.Builder entry) throws IOException {
        entry.setUsage(files.number(directory.resolve(prefix + "usage_in_bytes"), 0));
        entry.setMax(files.number(directory.resolve(prefix + "max_usage_in_bytes"), 0));
        entry.setFailcnt(files.number(directory.resolve(prefix + "failcnt"), 0));
        entry.setLimit(files.number(directory.resolve(prefix + "limit_in_bytes"), 0));
    }

    private static void set(MemoryStat.Builder memory, String key, long value) {
        switch (key) {
            case "cache" -> memory.setCache(value);
            case "rss" -> memory.setRss(value);
            case "rss_huge" -> memory.setRssHuge(value);
            case "mapped_file" -> memory.setMappedFile(value);
            case "dirty" -> memory.setDirty(value);
            case "writeback" -> memory.setWriteback(value);
            case "pgpgin" -> memory.setPgPgIn(value);
            case "pgpgout" -> memory.setPgPgOut(value);
            case "pgfault" -> memory.setPgFault(value);
            case "pgmajfault" -> memory.setPgMajFault(value);
            case "inactive_anon" -> memory.setInactiveAnon(value);
            case "active_anon" -> memory.setActiveAnon(value);
            case "inactive_file" -> memory.setInactiveFile(value);
            case "active_file" -> memory.setActiveFile(value);
            case "unevictable" -> memory.setUnevictable(value);
            case "hierarchical_memory_limit" -> memory.setHierarchicalMemoryLimit(value);
            case "hierarchical_memsw_limit" -> memory.setHierarchicalSwapLimit(value);
            case "total_cache" -> memory.setTotalCache(value);
            case "total_rss" -> memory.setTotalRss(value);
            case "total_rss_huge" -> memory.setTotalRssHuge(value);
            case "total_mapped_file" -> memory.setTotalMappedFile(value);
            case "total_dirty" -> memory.setTotalDirty(value);
            case "total_writeback" -> memory.setTotalWriteback(value);
            case "total_pgpgin" -> memory.setTotalPgPgIn(value);
            case "total_pgpgout" -> memory.setTotalPgPgOut(value);
            case "total_pgfault" -> memory.setTotalPgFault(value);
            case "total_pgmajfault" -> memory.setTotalPgMajFault(value);
            case "total_inactive_anon" -> memory.setTotalInactiveAnon(value);
            case "total_active_anon" -> memory.setTotalActiveAnon(value);
            case "total_inactive_file" -> memory.setTotalInactiveFile(value);
            case "total_active_file" -> memory.setTotalActiveFile(value);
            case "total_unevictable" -> memory.setTotalUnevictable(value);
            default -> {}
        }
    }
}
