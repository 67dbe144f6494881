package dev.jshim.bridge.migrate;

import dev.jshim.task.TaskId;
import java.util.List;

/**
 * What was done.
 *
 * @param nextSteps what the operator does now, a sentence each
 * @param complete whether nothing was refused
 */
public record Report(List<Row> rows, List<String> nextSteps, boolean complete) {
    static final String REFUSED = "refused";

    public Report {
        rows = List.copyOf(rows);
        nextSteps = List.copyOf(nextSteps);
    }

    /** Of rows that say whether it is complete. */
    static Report of(List<Row> rows, List<String> nextSteps) {
        return new Report(rows, nextSteps, rows.stream().noneMatch(Row::isRefused));
    }

    /**
     * What was done with one container, or is to be done.
     *
     * @param result {@code adopted}, {@code unchanged}, {@code dropped}, {@code removed}, {@code gone}, {@code left} or
     *     {@code refused}
     * @param reason empty where the result says it all
     */
    public record Row(TaskId task, String result, String reason) {
        boolean isRefused() {
            return result.equals(REFUSED);
        }
    }
}
