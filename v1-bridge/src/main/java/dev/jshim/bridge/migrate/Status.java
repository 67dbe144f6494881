package dev.jshim.bridge.migrate;

import java.util.List;

/**
 * How the adoption stands.
 *
 * @param bridgePid 0 where no bridge answers
 */
public record Status(boolean bridgeRunning, int bridgePid, List<StatusRow> rows) {
    public Status {
        rows = List.copyOf(rows);
    }
}
