package dev.jshim.bridge.migrate;

import java.time.Duration;
import java.util.List;

/**
 * Whether a containerd 2.x that started now would keep what was adopted.
 *
 * @param took until the last answer, or until the deadline
 */
public record BridgeVerification(Duration took, List<VerificationRow> rows) {
    public BridgeVerification {
        rows = List.copyOf(rows);
    }

    /** Also where nothing is adopted. */
    public boolean isGood() {
        return rows.stream().allMatch(row -> row.reason().isEmpty());
    }
}
