package dev.jshim.bridge.end;

import com.google.protobuf.Any;
import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.bridge.record.RememberedCgroup;
import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.ProcessId;
import dev.jshim.linux.Processes;
import dev.jshim.shim.config.Key;
import dev.jshim.shim.config.Options;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimLog;
import java.io.IOException;
import java.util.List;
import java.util.Objects;
import java.util.function.BooleanSupplier;

/**
 * A container whose v1 shim is dead. Nobody can start a process in it or learn its exit code any more. As the v1 daemon
 * did (containerd v1.6.20, runtime/v1/linux/runtime.go, cleanupAfterDeadShim), the bridge kills it, unless the node's
 * configuration keeps such containers. Thread-safe.
 */
public final class Orphan {
    /** The next look finds the processes that were forked while others were killed. */
    private static final int LOOKS = 20;

    private final AdoptedRecord record;
    private final RememberedCgroup cgroup;
    private final BooleanSupplier kept;
    private boolean said;

    /** @param kept whether such containers are left alone; asked when one is found */
    public Orphan(AdoptedRecord record, RememberedCgroup cgroup, BooleanSupplier kept) {
        this.record = record;
        this.cgroup = cgroup;
        this.kept = kept;
    }

    /** The node's configuration. If it cannot be read, such containers are kept: none is killed on a guess. */
    public static boolean keptByConfiguration() {
        try {
            return Options.read(Any.getDefaultInstance())
                    .text(Key.ORPHANED_CONTAINERS)
                    .equals("keep");
        } catch (ShimException e) {
            ShimLog.error("cannot read the configuration; keeping containers without a shim", "error", e);
            return true;
        }
    }

    /**
     * Kills all its processes, unless it is kept. For a container whose shim is dead.
     *
     * @return whether it is kept
     */
    public synchronized boolean end() {
        var first = !said;
        said = true;
        if (kept.getAsBoolean()) {
            if (first) {
                ShimLog.warn("the v1 shim has died; keeping the container", record.named());
            }
            return true;
        }
        if (first) {
            ShimLog.warn("the v1 shim has died; killing the container", record.named());
        }
        try {
            for (var look = 0; look < LOOKS && signal(Processes.SIGKILL); look++) {
                Thread.sleep(10);
            }
        } catch (ErrnoException e) {
            ShimLog.warn("could not kill a container", record.named("error", e));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return false;
    }

    /** Whether it has not ended: init lives, or, if it is not kept, another process that {@link #end} was to kill. */
    public boolean lives(boolean isKept) {
        return record.init().isAlive() || (!isKept && !processes().isEmpty());
    }

    /**
     * Signals every process of the container.
     *
     * @return false if there was none
     */
    public boolean signal(int signal) throws ErrnoException {
        var any = record.init().signal(signal);
        for (var process : processes()) {
            any |= process.signal(signal);
        }
        return any;
    }

    /**
     * All processes in its cgroup but init; none if the cgroup is not the container's own: if this process or the
     * host's init is in it, or if another container has the id now, whose cgroup may have the same path.
     */
    private List<ProcessId> processes() {
        if (record.isAnothers()) {
            return List.of();
        }
        List<Integer> pids;
        try {
            pids = cgroup.cgroup().pids();
        } catch (IOException | ShimException e) {
            return List.of();
        }
        if (pids.contains(1)
                || pids.contains(Processes.getpid())
                || pids.contains(record.shim().pid())) {
            return List.of();
        }
        return pids.stream()
                .filter(pid -> pid != record.init().pid())
                .map(ProcessId::find)
                .filter(Objects::nonNull)
                .toList();
    }
}
