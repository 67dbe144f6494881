package dev.jshim.it;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** How long calls have taken, of any number of clients. Thread-safe. */
final class CallTimes {
    private final List<Long> millis = Collections.synchronizedList(new ArrayList<>());

    void measure(Runnable call) {
        long began = System.nanoTime();
        call.run();
        millis.add(Duration.ofNanos(System.nanoTime() - began).toMillis());
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
