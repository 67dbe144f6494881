package dev.jshim.bridge.migrate;

import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.node.bundle.V1Bundle;
import dev.jshim.task.TaskId;
import org.jspecify.annotations.Nullable;

/**
 * A v1 container, as it was looked at for an adoption, and what would be done with it.
 *
 * @param pid of its init, 0 if that is not known or another process has it by now
 * @param shimPid 0 if no shim was found
 * @param reachable whether the shim answered
 * @param record as what it is adopted, now or before: its shim answered and is the one meant; null if it is refused
 * @param reason why, empty for one that is to be adopted
 */
public record Candidate(
        V1Bundle bundle,
        int pid,
        int shimPid,
        boolean reachable,
        @Nullable AdoptedRecord record,
        String reason) {
    public TaskId task() {
        return bundle.task();
    }

    /** Whether it was adopted before. */
    boolean isAdopted() {
        return record != null && !reason.isEmpty();
    }

    /** {@code adopt}, {@code none} if it is adopted already, or {@code refuse}. */
    public String action() {
        return record == null ? "refuse" : reason.isEmpty() ? "adopt" : "none";
    }

    /** The address of its shim, empty if none is known. */
    public String socket() {
        var socket = bundle.socket();
        return socket == null ? "" : socket.address();
    }

    /** {@code file}, {@code abstract}, or empty. */
    public String socketKind() {
        var socket = bundle.socket();
        return socket == null ? "" : socket.kind();
    }

    /** The OCI binary; empty if it was not asked for. */
    public String runtime() {
        return record == null ? "" : record.runtime();
    }
}
