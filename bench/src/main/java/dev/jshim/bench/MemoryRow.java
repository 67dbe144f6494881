package dev.jshim.bench;

import dev.jshim.it.Wait;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The memory of all processes that serve idle containers. */
final class MemoryRow {
    /** A process that has just served is not idle: ours gives back what only calls need at the keeper's sixth ping. */
    private static final Duration SETTLE = Duration.ofSeconds(15);

    private static final double WORTH_A_LINE = 0.3;

    private final Rig rig;
    private final int containers;
    private final List<Subject> subjects;
    private final double aim;
    private final Map<Subject, Map<String, Double>> parts = new EnumMap<>(Subject.class);

    /** @param aim with node grouping, as the ratio to the Go shim */
    MemoryRow(Rig rig, int containers, List<Subject> subjects, double aim) {
        this.rig = rig;
        this.subjects = subjects;
        this.aim = aim;
        this.containers = containers;
    }

    /** One subject after the other, alone, so that none shares pages with another. */
    Row measure() {
        var samples = new Samples();
        for (var subject : subjects) {
            var ids = new ArrayList<String>();
            for (var i = 0; i < containers; i++) {
                ids.add(rig.sleeper(subject));
            }
            Wait.pause(SETTLE);
            var shims = Shims.of(rig.node(), ids);
            samples.add(subject, shims.stream().mapToDouble(Shims::pss).sum() / containers);
            parts.put(subject, Shims.pssByMapping(Collections.max(shims, Comparator.comparingDouble(Shims::pss))));
            ids.forEach(rig.node()::remove);
        }
        return new Row("Pss per idle container, %d containers".formatted(containers), "MiB", aim, 5, true, samples);
    }

    /** What the Pss of one process is made of, as lines of a table. */
    String made() {
        var text = new StringBuilder("| process | Pss, MiB | of it |\n| --- | --- | --- |\n");
        parts.forEach((subject, sizes) -> {
            var sum = sizes.values().stream().mapToDouble(Double::doubleValue).sum();
            var list = sizes.entrySet().stream()
                    .filter(entry -> entry.getValue() >= WORTH_A_LINE)
                    .sorted(Map.Entry.<String, Double>comparingByValue().reversed())
                    .map(entry -> String.format(Locale.ROOT, "%s %.1f", entry.getKey(), entry.getValue()))
                    .toList();
            text.append(String.format(
                    Locale.ROOT, "| %s, the first | %.1f | %s |%n", subject.label(), sum, String.join(", ", list)));
        });
        return text.toString();
    }
}
