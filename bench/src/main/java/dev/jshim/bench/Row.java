package dev.jshim.bench;

import java.util.Locale;

/**
 * A line of the report.
 *
 * @param what for people
 * @param unit of the samples
 * @param node what is aimed at with node grouping, as the ratio ours / Go shim
 * @param pod the same with pod grouping
 * @param atMost whether less is better; else the aim is a lower bound
 * @param samples what was measured; nothing of the pods' shims if their aim means nothing
 */
record Row(String what, String unit, double node, double pod, boolean atMost, Samples samples) {
    /** Enough for the report: `| what | Go | node | ratio | aim | pod | ratio | aim |`. */
    String markdown() {
        return "| %s, %s (n = %d) | %s | %s | %s |"
                .formatted(
                        what,
                        unit,
                        samples.count(),
                        number(samples.median(Subject.GO)),
                        cells(Subject.NODE, node),
                        cells(Subject.POD, pod));
    }

    private String cells(Subject subject, double aim) {
        if (!samples.has(subject)) {
            return "| |";
        }
        var ratio = samples.ratio(subject);
        return "%s | %s%s | %s %s"
                .formatted(
                        number(samples.median(subject)),
                        number(ratio),
                        isMet(ratio, aim) ? "" : " (missed)",
                        atMost ? "≤" : "≥",
                        number(aim));
    }

    private boolean isMet(double ratio, double aim) {
        return atMost ? ratio <= aim : ratio >= aim;
    }

    private static String number(double value) {
        var digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
        return String.format(Locale.ROOT, "%." + digits + "f", value);
    }
}
