package dev.jshim.bridge.exit;

import dev.jshim.bridge.end.Orphan;
import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.bridge.v1.ShimLink;
import dev.jshim.task.Exit;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimException.Kind;
import dev.jshim.task.ShimLog;
import dev.jshim.task.client.V1Task;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The exits of the processes of one v1 shim: one Wait outstanding for each, no thread, no deadline.
 *
 * <p>Where the connection is lost the shim is asked again. Where the shim is dead, init is watched by its pid and start
 * time, and its exit is 137 at the time it was seen to be gone: the real code died with the shim.
 */
public final class V1Exits implements AutoCloseable {
    /** What containerd itself reports of a container whose shim died (runtime/v1/linux/runtime.go, v1.6.20). */
    private static final int KILLED = 128 + 9;
    /** Between two looks at a shim that does not answer. */
    private static final Duration RETRY = Duration.ofSeconds(1);

    /** How long init's exit waits for those of its execs, which end with it. */
    private static final long EXECS_MILLIS = 5_000;

    private final AdoptedRecord record;
    private final V1Task shim;
    private final Runnable beforeExit;
    private final Orphan orphan;
    private final Map<String, WatchedExit> watched = new ConcurrentHashMap<>();
    private volatile boolean closed;

    /**
     * Watches nothing yet.
     *
     * @param beforeExit run before each exit is shown; must not block for long
     * @param orphan what is done where the shim is dead
     */
    public V1Exits(AdoptedRecord record, ShimLink link, Runnable beforeExit, Orphan orphan) {
        this.record = record;
        this.shim = new V1Task(record.id(), record.v1Bundle(), link.quick());
        this.beforeExit = beforeExit;
        this.orphan = orphan;
        var init = new WatchedExit();
        init.runs(record.init().pid());
        watched.put("", init);
    }

    /** The exit of a process, watched from now on. Never blocks. */
    public WatchedExit watch(String execId) {
        var exit = watched.computeIfAbsent(execId, _ -> new WatchedExit());
        if (exit.beginWatch()) {
            await(execId, exit);
        }
        return exit;
    }

    /** All that is watched, by exec id. */
    public Map<String, WatchedExit> all() {
        return Map.copyOf(watched);
    }

    public boolean isWatched(String execId) {
        return watched.containsKey(execId);
    }

    /** The exit of a process as far as it is known here; null otherwise. */
    public @Nullable Exit known(String execId) {
        var exit = watched.get(execId);
        return exit == null ? null : exit.known();
    }

    /** Runs a start, whose process's exit is held back until it has returned. */
    public void starting(String execId, Consumer<WatchedExit> start) {
        var fresh = new WatchedExit();
        var before = watched.putIfAbsent(execId, fresh);
        var exit = before == null ? fresh : before;
        exit.hold();
        try {
            start.accept(exit);
            watch(execId);
        } catch (RuntimeException e) {
            if (before == null) {
                watched.remove(execId, fresh);
            }
            throw e;
        } finally {
            exit.release();
        }
    }

    /** The watch of a process as it is now, for {@link #forget}; null where there is none. */
    public @Nullable WatchedExit watched(String execId) {
        return watched.get(execId);
    }

    /**
     * Ends the watch of a process that was deleted; who still waits for it gets its exit.
     *
     * @param which the watch before it was deleted: its id may mean another process already
     */
    public void forget(String execId, @Nullable WatchedExit which, Exit how) {
        if (which != null) {
            if (!execId.isEmpty()) {
                watched.remove(execId, which);
            }
            which.exited(how);
        }
    }

    /**
     * Ends the watch of an exec that the shim does not know any more, or knows another one by its id. Where its exit is
     * still on its way, who waits for it gets it.
     */
    public void forgetOld(String execId) {
        watched.computeIfPresent(execId, (_, exit) -> exit.hasRun() ? null : exit);
    }

    /** Does not block, whenever the shim's answer comes: what follows may sleep. */
    private void await(String execId, WatchedExit exit) {
        var _ = shim.exited(execId)
                .whenCompleteAsync((end, failure) -> ended(execId, exit, end, failure), Thread::startVirtualThread);
    }

    private void ended(String execId, WatchedExit exit, @Nullable Exit end, @Nullable Throwable failure) {
        try {
            if (end != null) {
                settle(execId, exit, new Exit(pid(execId, exit), end.status(), end.at()));
            } else if (failure instanceof ShimException e) {
                failed(execId, exit, e);
            } else {
                throw new IllegalStateException("a wait ended without an exit", failure);
            }
        } catch (RuntimeException e) {
            // Nobody waits for this thread, and the exit is lost without it.
            ShimLog.error("cannot follow a process", "id", record.id(), "exec", execId, "error", e);
        }
    }

    /** In a virtual thread of its own. */
    private void failed(String execId, WatchedExit exit, ShimException failure) {
        var last = failure;
        while (!closed && exit.known() == null) {
            if (last.kind() == Kind.NOT_FOUND && !execId.isEmpty()) {
                watched.remove(execId, exit);
                exit.exited(new Exit(exit.pid(), KILLED, Instant.now()));
                return;
            }
            if (!record.shim().isAlive()) {
                // Also where init is dead: what shared its cgroup was the shim's to kill.
                var isKept = orphan.end();
                if (!isKept) {
                    exit.kill();
                }
                if (!(execId.isEmpty() ? orphan.lives(isKept) : exit.isAlive())) {
                    settle(execId, exit, new Exit(exit.pid(), KILLED, Instant.now()));
                    return;
                }
            }
            try {
                Thread.sleep(RETRY);
                var end = shim.state(execId).exit();
                if (end != null) {
                    settle(execId, exit, end);
                } else {
                    await(execId, exit);
                }
                return;
            } catch (ShimException e) {
                last = e;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    private void settle(String execId, WatchedExit exit, Exit how) {
        if (closed) {
            return;
        }
        beforeExit.run();
        if (!execId.isEmpty()) {
            exit.exited(how);
            return;
        }
        var execs = watched.entrySet().stream()
                .filter(e -> !e.getKey().isEmpty() && e.getValue().isToBeShown())
                .map(e -> e.getValue().shown())
                .toArray(CompletableFuture[]::new);
        var _ = CompletableFuture.allOf(execs)
                .completeOnTimeout(null, EXECS_MILLIS, TimeUnit.MILLISECONDS)
                .thenRun(() -> exit.exited(how));
    }

    private int pid(String execId, WatchedExit exit) {
        if (exit.pid() != 0) {
            return exit.pid();
        }
        try {
            return shim.state(execId).pid();
        } catch (ShimException e) {
            return 0;
        }
    }

    /** Watches nothing any more; no exit completes from then on. */
    @Override
    public void close() {
        closed = true;
    }
}
