package dev.jshim.shim.keeper;

import dev.jshim.linux.ProcessMemory;
import dev.jshim.task.ShimLog;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Keeps the memory of a process that lives long as small as what it needs. Any thread.
 *
 * <p>The heap is kept as small as what is in it. The serial collector lets the old generation grow to the greatest size
 * before it looks how much of it is garbage (JDK 25: 280 MB after 2000 execs of 100 kB, of which 5 were in use). Here
 * it has to look whenever the heap has doubled.
 *
 * <p>Nor does that collector know when to give up. With a heap that is all but full it collects all of it for each few
 * objects, half a second each time, long before it finds room for none: a process that is neither dead nor serves (JDK
 * 25: for 10 s if 2 MB/s are leaked; only the parallel collector has UseGCOverheadLimit).
 *
 * <p>A JVM also keeps what its compiler has used, 5 MB after a start, and the pages of its libraries and of the AOT
 * cache, most of which only the start has read. A process that has served no call for a while gives both back. What it
 * needs of the files again is in the page cache.
 */
public final class MemoryCare {
    private static final long MIB = 1 << 20;
    private static final long SMALL = 24 * MIB;
    private static final long STEP = 8 * MIB;

    private static final AtomicLong NEXT = new AtomicLong(SMALL);

    /** Of the greatest heap. One of its parts that is never used, a survivor space, has 3.5 hundredths. */
    private static final double FULL = 0.95;

    private static final int FULL_IN_A_ROW = 3;
    /** As if the JVM itself found no memory: -XX:+ExitOnOutOfMemoryError. */
    private static final int OUT_OF_MEMORY = 3;

    private static final AtomicInteger FOUND_FULL = new AtomicInteger();

    /** Of the keeper's pings, one in 2 s: a container with a probe every 10 s is not idle. */
    private static final int IDLE = 6;

    /** Since the last call. */
    private static final AtomicInteger PINGS = new AtomicInteger();

    private MemoryCare() {}

    /** To be called after each call that is served; nearly always costs nothing. */
    public static void look() {
        PINGS.set(0);
        var runtime = Runtime.getRuntime();
        var limit = NEXT.get();
        if (runtime.totalMemory() > limit && NEXT.compareAndSet(limit, Long.MAX_VALUE)) {
            System.gc();
            var total = runtime.totalMemory();
            NEXT.set(Math.max(total + STEP, Math.max(SMALL, 2 * (total - runtime.freeMemory()))));
        }
    }

    /** To be called at each of the keeper's pings; costs nothing but once after the last of some calls. */
    static void pinged() {
        endIfFull();
        if (PINGS.incrementAndGet() == IDLE) {
            rest();
        }
    }

    /** Gives back what only a call needs. */
    public static void rest() {
        try {
            ProcessMemory.trim();
            var _ = ProcessMemory.releaseFiles();
        } catch (RuntimeException e) {
            // A kernel may describe memory in another way; that must not cost the thread that listens to the keeper.
            ShimLog.debug("cannot give memory back", "error", e);
        }
    }

    /** Ends the process if its heap was full, garbage aside, at three calls in a row. */
    static void endIfFull() {
        if (isFull()) {
            System.gc();
        }
        if (!isFull()) {
            FOUND_FULL.set(0);
        } else if (FOUND_FULL.incrementAndGet() >= FULL_IN_A_ROW) {
            ShimLog.error(
                    "out of memory; exiting", "bytes", Runtime.getRuntime().maxMemory());
            Runtime.getRuntime().halt(OUT_OF_MEMORY);
        }
    }

    private static boolean isFull() {
        var runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory() > FULL * runtime.maxMemory();
    }
}
