package dev.jshim.bridge.migrate;

import dev.jshim.task.TaskId;
import java.time.Duration;
import java.util.List;

/**
 * How the adoption stands.
 *
 * @param bridgePid 0 if no bridge answers, or it was not asked
 * @param took until the last answer, or until the deadline
 */
public record Status(int bridgePid, Duration took, List<Row> rows) {
    public Status {
        rows = List.copyOf(rows);
    }

    /**
     * How one adopted container stands.
     *
     * @param shimAlive whether its v1 shim lives
     * @param state of its init, in containerd's words; {@code UNKNOWN} if nobody says
     * @param answerMillis until it had answered what containerd asks when it starts; negative if it never did
     * @param reason what is wrong, empty if nothing is
     */
    public record Row(
            TaskId task, int pid, int shimPid, boolean shimAlive, String state, long answerMillis, String reason) {
        /** The same with another reason, if it has none. */
        Row orReason(String other) {
            return reason.isEmpty() ? new Row(task, pid, shimPid, shimAlive, state, answerMillis, other) : this;
        }

        /** Whether its task answers through the bridge. */
        public boolean answers() {
            return answerMillis >= 0;
        }
    }

    public boolean bridgeRunning() {
        return bridgePid != 0;
    }

    /** Whether nothing is wrong with any, also if nothing is adopted. */
    public boolean isGood() {
        return rows.stream().allMatch(row -> row.reason().isEmpty());
    }
}
