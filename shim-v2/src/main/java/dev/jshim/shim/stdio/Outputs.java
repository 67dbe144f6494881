package dev.jshim.shim.stdio;

import dev.jshim.linux.Fd;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** What the output of one process goes through, to be ended together. Thread-safe. */
final class Outputs {
    /**
     * What is still in the pipe when Delete has waited as long as it would is waited for up to this time: a client that
     * is slow, not one that does not read (process/init.go delete, v2.1.9, where v2.1.4 had 2 s for everything).
     */
    private static final Duration SLOW_CLIENT = Duration.ofSeconds(10);

    private static final Duration LOOK = Duration.ofMillis(50);

    private final List<Fd> keepers = new ArrayList<>();
    private final List<Pump> pumps = new ArrayList<>();
    private @Nullable Logger logger;

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
    synchronized void exited() {
        if (pumps.isEmpty()) {
            closeKeepers();
        } else {
            var _ = moved().thenRun(this::closeKeepers);
        }
    }

    private synchronized CompletableFuture<?> moved() {
        return CompletableFuture.allOf(pumps.stream().map(Pump::ended).toArray(CompletableFuture<?>[]::new));
    }

    private synchronized CompletableFuture<?> drained() {
        return logger == null ? moved() : CompletableFuture.allOf(moved(), logger.ended());
    }

    private synchronized void closeKeepers() {
        keepers.forEach(Fd::close);
        keepers.clear();
    }

    /** Waits until all has been moved and the logger has ended; longer than told while a client is but slow. */
    boolean awaitDrained(Duration patience) {
        var drained = drained();
        if (await(drained, patience)) {
            return true;
        }
        var deadline = System.nanoTime() + SLOW_CLIENT.minus(patience).toNanos();
        while (isHeldUp() && System.nanoTime() < deadline) {
            if (await(drained, LOOK)) {
                return true;
            }
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
        if (last != null) {
            last.close();
        }
    }
}
