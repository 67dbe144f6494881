package dev.jshim.bridge.migrate;

import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.node.bundle.V1Bundle;
import dev.jshim.task.TaskId;
import org.jspecify.annotations.Nullable;

/**
 * A v1 container, as it was looked at for an adoption, and what would be done with it.
 *
 * @param pid of its init, 0 where that is not known or another process has it by now
 * @param shimPid 0 where no shim was found
 * @param socket the address of its shim, empty where none is known
 * @param socketKind {@code file}, {@code abstract}, or empty
 * @param reachable whether the shim answered
 * @param action {@code adopt}, {@code none} where it is adopted already, or {@code refuse}
 * @param reason why, empty for {@code adopt}
 * @param record as what it is adopted, now or before: its shim answered and is the one meant; null where it is refused
 */
public record Candidate(
        TaskId task,
        int pid,
        int shimPid,
        String socket,
        String socketKind,
        boolean reachable,
        String action,
        String reason,
        @Nullable AdoptedRecord record) {
    private static final String NONE = "none";

    /** It can be adopted. */
    static Candidate adopt(V1Bundle bundle, AdoptedRecord record) {
        return of(bundle, record.init().pid(), record.shim().pid(), true, "adopt", "", record);
    }

    /** It was adopted before. */
    static Candidate adopted(V1Bundle bundle, AdoptedRecord record) {
        return of(bundle, record.init().pid(), record.shim().pid(), true, NONE, "adopted already", record);
    }

    /** It is left alone. */
    static Candidate refuse(V1Bundle bundle, int shimPid, boolean reachable, String reason) {
        return of(bundle, bundle.initPid(), shimPid, reachable, "refuse", reason, null);
    }

    private static Candidate of(
            V1Bundle bundle,
            int pid,
            int shimPid,
            boolean reachable,
            String action,
            String reason,
            @Nullable AdoptedRecord record) {
        var socket = bundle.socket();
        var address = socket == null ? "" : socket.address();
        var kind = socket == null ? "" : socket.kind();
        return new Candidate(bundle.task(), pid, shimPid, address, kind, reachable, action, reason, record);
    }

    /** The same where another process has got init's pid after it. */
    Candidate withoutInit() {
        return new Candidate(task, 0, shimPid, socket, socketKind, reachable, action, reason, record);
    }

    /** Whether it was adopted before. */
    boolean isAdopted() {
        return action.equals(NONE);
    }

    /** The OCI binary; empty where it was not asked for. */
    public String runtime() {
        return record == null ? "" : record.runtime();
    }
}
