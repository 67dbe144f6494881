package dev.jshim.bridge.migrate;

import java.util.List;

/** What {@link Migration#apply} would do. */
public record Plan(List<PlanRow> rows) {
    public Plan {
        rows = List.copyOf(rows);
    }
}
