package dev.jshim.it.vm;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What the Go shim, ours, and the Go shim again say of one cgroup, whose container is paused, as JSON. Averages of
 * pressure decay meanwhile; the rest stands still.
 */
record Samples(String before, String ours, String after) {
    private static final int ATTEMPTS = 10;
    private static final Pattern AVERAGE = Pattern.compile("\"avg\\d+\": ([\\d.]+)");

    /** Takes some until the two of the Go shim are equal; of {@code web} and its {@code twin}, by their ids. */
    static Samples take(UnaryOperator<String> metrics) {
        Samples taken = once(metrics);
        for (int i = 1; i < ATTEMPTS && !steady(taken.before).equals(steady(taken.after)); i++) {
            taken = once(metrics);
        }
        return taken;
    }

    private static Samples once(UnaryOperator<String> metrics) {
        return new Samples(metrics.apply("twin"), metrics.apply("web"), metrics.apply("twin"));
    }

    /** All of it but the averages. */
    static String steady(String sample) {
        return sample.lines().filter(line -> !AVERAGE.matcher(line).find()).collect(Collectors.joining("\n"));
    }

    private static List<Double> averages(String sample) {
        return AVERAGE.matcher(sample)
                .results()
                .map(average -> Double.valueOf(average.group(1)))
                .toList();
    }

    /** Byte for byte, and each average between the two. */
    void areEqual() {
        assertThat(steady(ours)).isEqualTo(steady(before));
        List<Double> first = averages(before);
        List<Double> last = averages(after);
        List<Double> own = averages(ours);
        assertThat(own).hasSameSizeAs(first).hasSameSizeAs(last);
        for (int i = 0; i < own.size(); i++) {
            assertThat(own.get(i)).isBetween(Math.min(first.get(i), last.get(i)), Math.max(first.get(i), last.get(i)));
        }
    }
}
