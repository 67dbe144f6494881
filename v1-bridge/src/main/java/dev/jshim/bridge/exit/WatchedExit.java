package dev.jshim.bridge.exit;

import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.ProcessId;
import dev.jshim.linux.Processes;
import dev.jshim.task.Exit;
import dev.jshim.task.ShimLog;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The exit of one process on its way to those who wait. It can be held back while a start is under way, so that a start
 * is announced before the exit. Thread-safe.
 */
public final class WatchedExit {
    private final CompletableFuture<Exit> shown = new CompletableFuture<>();
    private @Nullable Exit exit;
    private boolean held;
    private boolean watched;
    private volatile int pid;
    private volatile boolean running;
    private volatile @Nullable ProcessId process;

    /** Completes when the process has exited and nothing holds the exit back. */
    public CompletableFuture<Exit> shown() {
        return shown;
    }

    /** The exit as known, also while it is held back; null until there is one. */
    public synchronized @Nullable Exit known() {
        return exit;
    }

    public int pid() {
        return pid;
    }

    /** That it runs with this pid, as its shim says now, which makes init's exit wait for this one. */
    public void runs(int newPid) {
        process = ProcessId.find(newPid);
        ran(newPid);
    }

    /** The same as somebody has noted it before: the pid may be another's by now. */
    public void ran(int newPid) {
        pid = newPid;
        running = true;
    }

    /** Whether the process itself is known, and there, whatever is known of its exit. */
    public boolean isAlive() {
        var mine = process;
        return mine != null && mine.isAlive();
    }

    /** Ends the process, where it is known and lives. */
    void kill() {
        var mine = process;
        try {
            if (mine != null) {
                mine.signal(Processes.SIGKILL);
            }
        } catch (ErrnoException e) {
            ShimLog.warn("could not kill a process", "pid", mine.pid(), "error", e);
        }
    }

    /** Whether it is of a process that was started, and nobody was told of the exit yet, be it known or not. */
    boolean isToBeShown() {
        return running && !shown.isDone();
    }

    /** Whether it is of a process that was started, and not of one that is still to be. */
    public boolean hasRun() {
        return running || known() != null;
    }

    /** Whether the caller is the first to ask and so the one to begin the watch. */
    synchronized boolean beginWatch() {
        var first = !watched;
        watched = true;
        return first;
    }

    synchronized void hold() {
        held = true;
    }

    void release() {
        Exit now;
        synchronized (this) {
            held = false;
            now = exit;
        }
        if (now != null) {
            shown.complete(now);
        }
    }

    /** Records the exit; the first one counts. */
    void exited(Exit how) {
        Exit now = null;
        synchronized (this) {
            if (exit == null) {
                exit = how;
            }
            if (!held) {
                now = exit;
            }
        }
        if (now != null) {
            shown.complete(now);
        }
    }
}
