package dev.jshim.shim.oci;

import dev.jshim.linux.Errno;
import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.ExitedChild;
import dev.jshim.linux.ProcessId;
import dev.jshim.linux.Processes;
import dev.jshim.linux.VirtualThreads;
import dev.jshim.linux.Wait;
import dev.jshim.shim.keeper.FaultPoint;
import dev.jshim.task.ShimLog;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The one place that learns of the ends of processes: of children of this process, those that were spawned and those
 * that were orphaned into it, and of the keeper's, which it reports ({@link #ended}).
 *
 * <p>An exit goes to the one that claims the pid. A pid is known only after the process has begun to run, and it may
 * have ended by then: so a {@link Window} is opened before, which remembers every exit until it is closed. One thread,
 * blocked in waitid(2); while there is no child it sleeps. A child is reaped under the lock that {@link #signal} takes,
 * so that a signal never hits a stranger.
 *
 * <p>The keeper's children outlive this process. The end of one is noted before the keeper may reap it, and until
 * {@link #forget}: if this process dies, the next one still finds it.
 */
public final class Reaper {
    /** What containerd says if it does not know (UnknownExitStatus). */
    private static final int LOST = 255;

    private final Map<Integer, CompletableFuture<ExitedChild>> claimed = new HashMap<>();
    private final List<Window> windows = new ArrayList<>();
    /** The ends that are in files: those that this process or the one before it has noted, and nobody has settled. */
    private final Map<Integer, Noted> noted = new HashMap<>();

    private final ExitNotes notes;
    private final IntConsumer reap;
    private boolean mayHaveChildren;

    private record Noted(ProcessId process, ExitedChild end) {}

    Reaper(ExitNotes notes, IntConsumer reap) {
        this.notes = notes;
        this.reap = reap;
        notes.readAll().forEach((process, end) -> noted.put(process.pid(), new Noted(process, end)));
    }

    /** Starts the reaper of a process without a keeper. At most one reaper may run in a process. */
    public static Reaper start() {
        return start(TaskNotes.NONE, _ -> {});
    }

    /**
     * Starts the reaper's thread. At most one reaper may run in a process.
     *
     * @param notes where the ends of the keeper's children are noted
     * @param reap informs the keeper that the end of a child is noted, by its pid; must not wait
     */
    public static Reaper start(TaskNotes notes, IntConsumer reap) {
        var reaper = new Reaper(notes.exits(), reap);
        Thread.ofPlatform().name("reaper").daemon().start(reaper::run);
        return reaper;
    }

    /** Remembers exits from now on. To be opened before a process is spawned, and closed soon after. */
    public synchronized Window open() {
        var window = new Window();
        windows.add(window);
        return window;
    }

    /** A span of time in which no exit is forgotten. */
    public final class Window implements AutoCloseable {
        private final Map<Integer, ExitedChild> seen = new HashMap<>();

        /** To be called when a child has been spawned: wakes the reaper if it had none to wait for. */
        public void spawned() {
            wake();
        }

        /** The exit of a pid, whether it has come already or is yet to come. */
        public CompletableFuture<ExitedChild> claim(int pid) {
            synchronized (Reaper.this) {
                var exited = seen.get(pid);
                windows.forEach(window -> window.seen.remove(pid));
                return exited == null ? exit(ProcessId.of(pid), true) : CompletableFuture.completedFuture(exited);
            }
        }

        @Override
        public void close() {
            synchronized (Reaper.this) {
                windows.remove(this);
                for (var pid : seen.keySet()) {
                    if (windows.stream().noneMatch(window -> window.seen.containsKey(pid))) {
                        forget(new ProcessId(pid, -1));
                    }
                }
            }
        }
    }

    /** The exit of a process that one before this has started, whether it has come already or is yet to come. */
    public synchronized CompletableFuture<ExitedChild> adopt(ProcessId process) {
        return exit(process, false);
    }

    /** @param isNow whether that process has been looked up just now; if not, its pid may mean another one */
    private CompletableFuture<ExitedChild> exit(ProcessId process, boolean isNow) {
        var pid = process.pid();
        var known = noted.get(pid);
        if (known != null && (process.startTicks() < 0 || known.process().equals(process))) {
            return CompletableFuture.completedFuture(known.end());
        }
        if (process.startTicks() >= 0 && (isNow || Processes.startTime(pid) == process.startTicks())) {
            return claimed.computeIfAbsent(pid, _ -> new CompletableFuture<>());
        }
        // The runtime, or a wrapper around it, has waited for it: nobody will report how it ended.
        ShimLog.warn("exit status is lost", "pid", pid);
        return CompletableFuture.completedFuture(new ExitedChild(pid, false, LOST));
    }

    /** That the end of a process, which somebody has asked for, is noted elsewhere or is of no use any more. */
    public synchronized void forget(ProcessId process) {
        var known = noted.get(process.pid());
        if (known != null && (process.startTicks() < 0 || known.process().equals(process))) {
            noted.remove(process.pid());
            notes.forget(known.process(), known.end());
        }
    }

    /**
     * Takes the end of a child of the keeper's: notes it if it is anybody's, and has it reaped. Of one that was
     * reported before this does nothing but the latter. Does not wait.
     */
    public void ended(ExitedChild child) {
        var pid = child.pid();
        CompletableFuture<ExitedChild> owner;
        synchronized (this) {
            owner = claimed.remove(pid);
            if (owner != null || !windows.isEmpty()) {
                var process = ProcessId.of(pid);
                notes.write(process, child);
                var before = noted.put(pid, new Noted(process, child));
                if (before != null && !before.process().equals(process)) {
                    notes.forget(before.process(), before.end()); // The pid is another's by now: nobody asks any more.
                }
                FaultPoint.at("exit-noted");
            }
            if (owner == null) {
                windows.forEach(window -> window.seen.put(pid, child));
            }
            reap.accept(pid);
        }
        if (owner != null) {
            tell(owner, child);
        }
    }

    private synchronized void wake() {
        mayHaveChildren = true;
        notifyAll();
    }

    private void run() {
        while (true) {
            var child = next();
            if (child != null) {
                settle(child);
            }
        }
    }

    /**
     * Signals a process that somebody has claimed and that has not been reaped: until then its pid cannot be another's.
     *
     * @return false when it has ended
     */
    public synchronized boolean signal(int pid, int signal) throws ErrnoException {
        if (!claimed.containsKey(pid)) {
            return false;
        }
        Processes.kill(pid, signal);
        return true;
    }

    /**
     * The same for the process group that it leads: for it and for all that it has started, but for what has a group of
     * its own by now.
     */
    public synchronized boolean signalGroup(int leader, int signal) throws ErrnoException {
        if (!claimed.containsKey(leader)) {
            return false;
        }
        Processes.kill(-leader, signal);
        return true;
    }

    /** The next child that has ended; it is not reaped yet. Null when there was none. */
    private @Nullable ExitedChild next() {
        try {
            return Wait.any(true, false);
        } catch (ErrnoException e) {
            if (e.errno() == Errno.ECHILD) {
                awaitChildren();
            } else if (e.errno() != Errno.EINTR) {
                ShimLog.error("waitid failed", "error", e.getMessage());
                awaitChildren();
            }
            return null;
        }
    }

    /**
     * Sleeps until something has been spawned. An orphan can only come from a child, so that none is missed: the flag
     * is cleared before the next waitid, which sees every child that was spawned before it.
     */
    private synchronized void awaitChildren() {
        while (!mayHaveChildren) {
            try {
                wait();
            } catch (InterruptedException e) {
                // Nobody interrupts this thread; it lives as long as the process.
            }
        }
        mayHaveChildren = false;
    }

    private static void reap(int pid) {
        try {
            var _ = Wait.poll(pid, true);
        } catch (ErrnoException e) {
            // posix_spawn(3) reaps a child whose exec failed by itself, and may have been first.
            ShimLog.debug("child was reaped already", "pid", pid);
        }
    }

    private void settle(ExitedChild child) {
        CompletableFuture<ExitedChild> owner;
        synchronized (this) {
            reap(child.pid());
            owner = claimed.remove(child.pid());
            if (owner == null) {
                for (var window : windows) {
                    window.seen.put(child.pid(), child);
                }
            }
        }
        if (owner != null) {
            tell(owner, child);
        }
    }

    /** What hangs on an exit may block; the reaper must not. An exit that is lost is lost for good. */
    private static void tell(CompletableFuture<ExitedChild> owner, ExitedChild child) {
        VirtualThreads.start(
                "exit-" + child.pid(),
                () -> owner.complete(child),
                e -> ShimLog.error("cannot start a thread for an exit", "pid", child.pid(), "error", e));
    }
}
