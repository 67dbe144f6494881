package dev.jshim.shim.stdio;

import dev.jshim.linux.Errno;
import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import dev.jshim.shim.log.ShimLog;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** What the output of one process goes through, to be ended together. Thread-safe. */
final class Outputs {
    /** How long a client that has the stream open, and is slow, is waited for in all. */
    private static final Duration SLOW_CLIENT = Duration.ofSeconds(10);

    private static final Duration LOOK = Duration.ofMillis(50);
    private static final Duration READ_LOOK = Duration.ofMillis(2);
    private static final int PROBE = OpenFlags.O_WRONLY | OpenFlags.O_NONBLOCK | OpenFlags.O_CLOEXEC;

    /** How long a client may read nothing of what is there until it is taken for one that does not read. */
    private static final Duration NOTHING_READ = Duration.ofSeconds(1);

    private final Duration background;
    private final CompletableFuture<Void> read = new CompletableFuture<>();
    private final List<Fd> keepers = new ArrayList<>();
    private final List<Pump> pumps = new ArrayList<>();
    private @Nullable Logger logger;

    /** @param background see {@link IoSettings} */
    Outputs(Duration background) {
        this.background = background;
    }

    /** Keeps a FIFO's reading end until all has been moved. */
    synchronized void keep(Fd keeper) {
        keepers.add(keeper);
    }

    synchronized void add(Pump pump) {
        pumps.add(pump);
    }

    synchronized void use(Logger its) {
        logger = its;
    }

    /** To be called when the process has exited: clients see the end of its output once all has been moved. */
    void exited() {
        var _ = moved().thenRun(this::awaitRead);
    }

    /** Some clients close their ends when Delete has been answered, whatever is in them: ctr with an exec's. */
    private void awaitRead() {
        synchronized (this) {
            if (keepers.stream().allMatch(Outputs::isEmpty)) {
                closeKeepers();
            }
            if (keepers.isEmpty()) {
                read.complete(null);
                return;
            }
        }
        Thread.startVirtualThread(() -> {
            try {
                takeKeepers().forEach(Outputs::awaitRead);
            } finally {
                read.complete(null);
            }
        });
    }

    private static boolean isEmpty(Fd keeper) {
        try {
            return FileCalls.unread(keeper) == 0;
        } catch (ErrnoException e) {
            return false; // It reads no more, and does not know.
        }
    }

    private synchronized List<Fd> takeKeepers() {
        var taken = List.copyOf(keepers);
        keepers.clear();
        return taken;
    }

    /** Waits until a client has read a FIFO empty, unless there is none, or one that does not read. */
    private static void awaitRead(Fd keeper) {
        try (keeper;
                var probe = FileCalls.open(path(keeper), PROBE, 0)) {
            keeper.close();
            var begin = System.nanoTime();
            var progress = begin;
            for (int left = FileCalls.unread(probe), before = left;
                    left > 0 && FileCalls.hasReader(probe);
                    left = FileCalls.unread(probe)) {
                var now = System.nanoTime();
                progress = left < before ? now : progress;
                before = left;
                if (now - progress > NOTHING_READ.toNanos() || now - begin > SLOW_CLIENT.toNanos()) {
                    return;
                }
                LockSupport.parkNanos(READ_LOOK.toNanos());
            }
        } catch (ErrnoException e) {
            if (e.errno() != Errno.ENXIO) { // Nobody has it open any more.
                ShimLog.debug("cannot see whether a client has read all", "error", e.getMessage());
            }
        }
    }

    private synchronized CompletableFuture<?> moved() {
        return CompletableFuture.allOf(pumps.stream().map(Pump::ended).toArray(CompletableFuture<?>[]::new));
    }

    private synchronized CompletableFuture<?> drained() {
        return logger == null ? read : CompletableFuture.allOf(read, logger.ended());
    }

    private synchronized void closeKeepers() {
        keepers.forEach(Fd::close);
        keepers.clear();
    }

    /** What is left of the keepers only names the FIFOs: it is no reader. */
    private synchronized void stopKeeping() {
        for (var keeper : takeKeepers()) {
            try (keeper) {
                keepers.add(FileCalls.open(path(keeper), OpenFlags.O_PATH, 0));
            } catch (ErrnoException e) {
                ShimLog.debug("cannot keep the name of a FIFO", "error", e.getMessage());
            }
        }
    }

    private static Path path(Fd open) {
        return Path.of("/proc/self/fd/" + open.number());
    }

    /** See {@link ProcessIo#awaitDrained}. */
    boolean awaitDrained(Duration patience) {
        var drained = drained();
        if (await(drained, patience)) {
            return true;
        }
        // Where no client has the other end open the pump sees that now, and ends: nobody is waited for in vain.
        stopKeeping();
        var deadline = System.nanoTime() + SLOW_CLIENT.minus(patience).toNanos();
        var _ = await(read, background.minus(patience));
        while (isHeldUp() && System.nanoTime() < deadline) {
            var _ = await(read, LOOK);
        }
        // The last of it may have been moved just now, and its end not been seen yet.
        return await(drained, LOOK);
    }

    private synchronized boolean isHeldUp() {
        return pumps.stream().anyMatch(Pump::isHeldUp);
    }

    /** Whether it completes in time, and well. */
    static boolean await(CompletableFuture<?> future, Duration patience) {
        try {
            future.get(patience.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException | ExecutionException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** Ends it at once; what was not moved yet is lost. A logger is given its time, see {@link Logger#close}. */
    void close() {
        Logger last;
        synchronized (this) {
            pumps.forEach(Pump::cut);
            closeKeepers();
            last = logger;
        }
        read.complete(null);
        if (last != null) {
            last.close();
        }
    }
}
