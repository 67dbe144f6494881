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
import java.util.function.BooleanSupplier;

/**
 * A container whose v1 shim is dead. Nobody can start anything in it or learn its exit code any more: as the v1 daemon
 * did (containerd v1.6.20, runtime/v1/linux/runtime.go, cleanupAfterDeadShim), it is killed, unless the node's
 * configuration says that such containers are kept. Thread-safe.
 */
public final class Orphan {
    /** Processes that are born while others are killed are found by the next look. */
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

    /** What the node's configuration says. One that cannot be read keeps them: a container is not killed on a guess. */
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
     * Kills all that runs in it, unless it is kept. For a container whose shim is dead.
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

    /**
     * Whether it has not ended: init lives, or, of one that is not kept, something else that {@link #end} was to kill.
     */
    public boolean lives(boolean isKept) {
        return record.init().isAlive() || (!isKept && !processes().isEmpty());
    }

    /**
     * Signals every process of the container.
     *
     * @return false where none was left
     */
    public boolean signal(int signal) throws ErrnoException {
        var any = record.init().signal(signal);
        for (var process : processes()) {
            any |= process.signal(signal);
        }
        return any;
    }

    /**
     * All in its cgroup but init; none where that is not the container's own: one with us or the host's init in it, or
     * where another container has the id now, whose cgroup may have the same path.
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
                .filter(java.util.Objects::nonNull)
                .toList();
    }
}
