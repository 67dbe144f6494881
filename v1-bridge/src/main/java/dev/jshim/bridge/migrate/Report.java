package dev.jshim.bridge.migrate;

import java.util.List;

/**
 * What was done.
 *
 * @param nextSteps what the operator does now, a sentence each
 * @param complete whether nothing was refused
 */
public record Report(List<ReportRow> rows, List<String> nextSteps, boolean complete) {
    public Report {
        rows = List.copyOf(rows);
        nextSteps = List.copyOf(nextSteps);
    }
}
