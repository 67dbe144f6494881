package dev.jshim.it;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;

/**
 * How long calls have taken, of any number of clients, and how much harm has come to what answers them while they were
 * under way. Thread-safe.
 */
final class CallTimes {
    private static final Duration ENDS = Duration.ofMinutes(3);

    private final List<Long> millis = Collections.synchronizedList(new ArrayList<>());
    /** How often harm was done during each call that is under way. */
    private final Set<AtomicInteger> underWay = ConcurrentHashMap.newKeySet();

    void measure(Runnable call) {
        AtomicInteger harm = new AtomicInteger();
        underWay.add(harm);
        long began = System.nanoTime();
        try {
            call.run();
            add(began);
        } finally {
            underWay.remove(harm);
        }
    }

    /** Notes a call that has ended, and when it began by {@link System#nanoTime}. */
    void add(long began) {
        add(Duration.ofNanos(System.nanoTime() - began));
    }

    /** Notes a call that somebody else has measured. */
    void add(Duration duration) {
        millis.add(duration.toMillis());
    }

    /**
     * Says that harm is about to be done, and waits before that until each call that has seen so much already has
     * ended.
     *
     * @param over whether not to wait any longer
     */
    void harm(int most, BooleanSupplier over) {
        Wait.until(
                ENDS,
                "a call ends",
                () -> over.getAsBoolean() || underWay.stream().allMatch(each -> each.get() < most));
        underWay.forEach(AtomicInteger::incrementAndGet);
    }

    /** Milliseconds, of the calls that were noted: there must be one. */
    long median() {
        List<Long> sorted = new ArrayList<>(millis);
        Collections.sort(sorted);
        return sorted.get(sorted.size() / 2);
    }

    /** A sentence. */
    String summary() {
        List<Long> sorted = new ArrayList<>(millis);
        Collections.sort(sorted);
        return sorted.isEmpty()
                ? "no calls"
                : "%d calls: median %d ms, 9 of 10 within %d ms, longest %d ms"
                        .formatted(
                                sorted.size(),
                                sorted.get(sorted.size() / 2),
                                sorted.get(sorted.size() * 9 / 10),
                                sorted.getLast());
    }
}
