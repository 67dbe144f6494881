package dev.jshim.shim.cgroup;

import dev.jshim.proto.v2.cgroup2.MemoryStat;

/** The lines of memory.stat of cgroup v2 that containerd reports; what it does not know is left out. */
final class Memory2 {

    private Memory2() {}

    static void set(MemoryStat.Builder memory, String key, long value) {
        switch (key) {
            case "anon" -> memory.setAnon(value);
            case "file" -> memory.setFile(value);
            case "kernel_stack" -> memory.setKernelStack(value);
            case "slab" -> memory.setSlab(value);
            case "sock" -> memory.setSock(value);
            case "shmem" -> memory.setShmem(value);
            case "file_mapped" -> memory.setFileMapped(value);
            case "file_dirty" -> memory.setFileDirty(value);
            case "file_writeback" -> memory.setFileWriteback(value);
            case "anon_thp" -> memory.setAnonThp(value);
            case "inactive_anon" -> memory.setInactiveAnon(value);
            case "active_anon" -> memory.setActiveAnon(value);
            case "inactive_file" -> memory.setInactiveFile(value);
            case "active_file" -> memory.setActiveFile(value);
            case "unevictable" -> memory.setUnevictable(value);
            case "slab_reclaimable" -> memory.setSlabReclaimable(value);
            case "slab_unreclaimable" -> memory.setSlabUnreclaimable(value);
            case "pgfault" -> memory.setPgfault(value);
            case "pgmajfault" -> memory.setPgmajfault(value);
            case "workingset_refault" -> memory.setWorkingsetRefault(value);
            case "workingset_activate" -> memory.setWorkingsetActivate(value);
            case "workingset_nodereclaim" -> memory.setWorkingsetNodereclaim(value);
            case "pgrefill" -> memory.setPgrefill(value);
            case "pgscan" -> memory.setPgscan(value);
            case "pgsteal" -> memory.setPgsteal(value);
            case "pgactivate" -> memory.setPgactivate(value);
            case "pgdeactivate" -> memory.setPgdeactivate(value);
            case "pglazyfree" -> memory.setPglazyfree(value);
            case "pglazyfreed" -> memory.setPglazyfreed(value);
            case "thp_fault_alloc" -> memory.setThpFaultAlloc(value);
            case "thp_collapse_alloc" -> memory.setThpCollapseAlloc(value);
            default -> {}
        }
    }
}
