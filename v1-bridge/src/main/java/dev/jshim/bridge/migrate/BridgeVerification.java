package dev.jshim.bridge.migrate;

import dev.jshim.task.TaskId;
import java.time.Duration;
import java.util.List;

/**
 * Whether a containerd 2.x that started now would keep what was adopted.
 *
 * @param took until the last answer, or until the deadline
 */
public record BridgeVerification(Duration took, List<Row> rows) {
    public BridgeVerification {
        rows = List.copyOf(rows);
    }

    /**
     * How one adopted bundle answered.
     *
     * @param answerMillis until both answers were there; 0 where they never were
     * @param reason what is wrong, empty where nothing is
     */
    public record Row(TaskId task, long answerMillis, String reason) {}

    /** Also where nothing is adopted. */
    public boolean isGood() {
        return rows.stream().allMatch(row -> row.reason().isEmpty());
    }
}
