package dev.jshim.shim;

import java.time.Duration;
import java.util.concurrent.Callable;

/** Waits, for a bounded time, until something outside this process is so. */
public final class Until {
    public static final Duration PATIENCE = Duration.ofSeconds(15);

    private Until() {}

    public static void holds(String what, Callable<Boolean> condition) throws Exception {
        var deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.call()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("not within " + PATIENCE + ": " + what);
            }
            Thread.sleep(2);
        }
    }
}
