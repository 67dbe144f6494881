package dev.jshim.bench;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** What was measured of each subject, in the unit of its row. Used by one thread. */
final class Samples {
    private final Map<Subject, List<Double>> values = new EnumMap<>(Subject.class);

    void add(Subject subject, double value) {
        values.computeIfAbsent(subject, _ -> new ArrayList<>()).add(value);
    }

    boolean has(Subject subject) {
        return values.containsKey(subject);
    }

    /** How many of each subject, the fewest. */
    int count() {
        return values.values().stream().mapToInt(List::size).min().orElse(0);
    }

    /**
     * The value in the middle; of an even number, the mean of the two.
     *
     * @throws IllegalStateException if there is none
     */
    double median(Subject subject) {
        var sorted = values.getOrDefault(subject, List.of()).stream().sorted().toList();
        if (sorted.isEmpty()) {
            throw new IllegalStateException("nothing measured of " + subject);
        }
        var middle = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }

    /** Ours divided by the Go shim's, of the medians. */
    double ratio(Subject ours) {
        return median(ours) / median(Subject.GO);
    }
}
