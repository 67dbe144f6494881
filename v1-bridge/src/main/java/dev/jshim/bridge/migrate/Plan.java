package dev.jshim.bridge.migrate;

import java.util.List;

/**
 * What {@link Migration#apply(String)} would do.
 *
 * @param problems what keeps it from doing anything at all, a sentence each with what to do about it
 */
public record Plan(List<PlanRow> rows, List<String> problems) {
    public Plan {
        rows = List.copyOf(rows);
        problems = List.copyOf(problems);
    }
}
