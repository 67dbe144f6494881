package dev.jshim.bridge.migrate;

import java.util.List;

/**
 * Whether a containerd 2.x has, or would find, all that lives.
 *
 * @param rows one for each container, with the result {@code ok} or what is wrong
 * @param problems of the node as a whole, a sentence each
 */
public record Verification(List<Report.Row> rows, List<String> problems) {
    static final String OK = "ok";
    /** Of a folder that is no container's: somebody's copy of a bundle. */
    static final String COPY = "copy";

    public Verification {
        rows = List.copyOf(rows);
        problems = List.copyOf(problems);
    }

    /** Whether nothing is wrong. */
    public boolean isGood() {
        return problems.isEmpty() && rows.stream().allMatch(row -> row.result().equals(OK));
    }
}
