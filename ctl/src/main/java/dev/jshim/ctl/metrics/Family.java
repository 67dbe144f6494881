package dev.jshim.ctl.metrics;

import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import java.util.Map;
import java.util.TreeMap;

/**
 * The samples of one name. All of ours are gauges: what is counted since a process began falls when that ends, and a
 * counter that falls is taken for one that has begun again. Not thread-safe.
 */
final class Family {
    private final String name;
    private final String help;
    private final Map<Labels, Double> samples = new TreeMap<>();

    /** @param help a sentence, which stands above the samples */
    Family(String name, String help) {
        this.name = name;
        this.help = help;
    }

    /** @param labels names and values in turn; the same labels again replace the sample */
    Family put(double value, String... labels) {
        samples.put(Labels.of(labels), value);
        return this;
    }

    /** Adds to the sample of these labels, which is 0 if there is none. */
    Family add(double value, String... labels) {
        samples.merge(Labels.of(labels), value, Double::sum);
        return this;
    }

    /** The greater one of this and what there is. */
    Family most(double value, String... labels) {
        samples.merge(Labels.of(labels), value, Math::max);
        return this;
    }

    /** The lesser one of this and what there is. */
    Family least(double value, String... labels) {
        samples.merge(Labels.of(labels), value, Math::min);
        return this;
    }

    /** Without a sample its name and its help alone are written. */
    GaugeSnapshot snapshot() {
        var out = GaugeSnapshot.builder().name(name).help(help);
        samples.forEach((labels, value) -> out.dataPoint(
                GaugeDataPointSnapshot.builder().labels(labels).value(value).build()));
        return out.build();
    }
}
