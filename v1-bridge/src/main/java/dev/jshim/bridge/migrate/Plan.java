package dev.jshim.bridge.migrate;

import dev.jshim.node.leftover.OtherNode;
import dev.jshim.node.leftover.Stray;
import java.util.List;

/**
 * What {@link Migration#apply} would do.
 *
 * @param problems what keeps it from doing anything at all, a sentence each with what to do about it
 * @param strays what no bundle stands for, and no adoption can reach
 * @param others further containerds on the machine that have v1 shims: each needs a migration of its own
 */
public record Plan(List<Candidate> rows, List<String> problems, List<Stray> strays, List<OtherNode> others) {
    public Plan {
        rows = List.copyOf(rows);
        problems = List.copyOf(problems);
        strays = List.copyOf(strays);
        others = List.copyOf(others);
    }
}
