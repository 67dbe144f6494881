package dev.jshim.bridge.migrate;

import dev.jshim.task.TaskId;
import java.util.List;

/**
 * How the adoption stands.
 *
 * @param bridgePid 0 where no bridge answers
 */
public record Status(boolean bridgeRunning, int bridgePid, List<Row> rows) {
    public Status {
        rows = List.copyOf(rows);
    }

    /**
     * How one adopted container stands.
     *
     * @param answers whether its task answers through the bridge
     * @param state of its init, in containerd's words; {@code UNKNOWN} where nobody says
     * @param shimAlive whether its v1 shim lives
     * @param reason what is wrong, empty where nothing is
     */
    public record Row(
            TaskId task, int pid, int shimPid, boolean answers, String state, boolean shimAlive, String reason) {
        /** The same with another reason, where it has none. */
        Row orReason(String other) {
            return reason.isEmpty() ? new Row(task, pid, shimPid, answers, state, shimAlive, other) : this;
        }
    }
}
