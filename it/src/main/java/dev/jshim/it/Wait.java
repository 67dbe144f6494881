package dev.jshim.it;

import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Bounded waiting for something that only a look can tell. */
public final class Wait {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final Duration PAUSE = Duration.ofMillis(20);

    private Wait() {}

    /**
     * Waits at most 30 s: what takes some milliseconds on an idle machine may take seconds on one that is starved.
     *
     * @throws IllegalStateException if the condition does not come true in time
     */
    public static void until(String what, BooleanSupplier condition) {
        until(LIMIT, what, condition);
    }

    /**
     * Waits at most that long.
     *
     * @throws IllegalStateException if the condition does not come true in time
     */
    public static void until(Duration limit, String what, BooleanSupplier condition) {
        if (!within(limit, condition)) {
            throw new IllegalStateException("not within " + limit.toMillis() + " ms: " + what);
        }
    }

    /**
     * Waits at most 30 s for a value.
     *
     * @throws IllegalStateException if there is none in time
     */
    public static <T> T forValue(String what, Supplier<@Nullable T> source) {
        return forValue(() -> what, source);
    }

    /** The same, with words that are asked for at the end. */
    static <T> T forValue(Supplier<String> what, Supplier<@Nullable T> source) {
        long end = System.nanoTime() + LIMIT.toNanos();
        while (true) {
            T value = source.get();
            if (value != null) {
                return value;
            }
            if (System.nanoTime() > end) {
                throw new IllegalStateException("not within " + LIMIT.toMillis() + " ms: " + what.get());
            }
            pause(PAUSE);
        }
    }

    /** Waits at most that long and says whether the condition came true. */
    public static boolean within(Duration limit, BooleanSupplier condition) {
        long end = System.nanoTime() + limit.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                return false;
            }
            pause(PAUSE);
        }
        return true;
    }

    /** Lets time pass, where it is the passing of time that is tested. */
    public static void pause(Duration duration) {
        try {
            Thread.sleep(duration);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }
}
