package dev.jshim.bridge.migrate;

import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.node.bundle.V1Bundle;
import dev.jshim.task.TaskId;

/** A v1 bundle, as it was looked at for an adoption. */
sealed interface Candidate {
    TaskId task();

    /** Its row in a plan. */
    PlanRow row();

    /** It can be adopted, or has been: its shim answered and is the one meant. */
    record Ready(AdoptedRecord record, boolean isAdopted, PlanRow row) implements Candidate {
        @Override
        public TaskId task() {
            return new TaskId(record.namespace(), record.id());
        }
    }

    /** It is left alone, for the reason in its row. */
    record Refused(TaskId task, PlanRow row) implements Candidate {
        /** The same where another process has got init's pid after it. */
        Refused withoutInit() {
            return new Refused(
                    task,
                    new PlanRow(
                            row.namespace(),
                            row.id(),
                            0,
                            row.shimPid(),
                            row.socket(),
                            row.socketKind(),
                            row.runtime(),
                            row.reachable(),
                            row.action(),
                            row.reason()));
        }
    }

    /** Refuses a bundle. */
    static Refused refuse(V1Bundle bundle, int shimPid, boolean reachable, String reason) {
        return new Refused(bundle.task(), row(bundle, bundle.initPid(), shimPid, "", reachable, "refuse", reason));
    }

    /** A row for a bundle of which all is known. */
    static PlanRow row(V1Bundle bundle, AdoptedRecord record, boolean reachable, String action, String reason) {
        return row(bundle, record.init().pid(), record.shim().pid(), record.runtime(), reachable, action, reason);
    }

    private static PlanRow row(
            V1Bundle bundle, int pid, int shimPid, String runtime, boolean reachable, String action, String reason) {
        var socket = bundle.socket();
        return new PlanRow(
                bundle.task().namespace(),
                bundle.task().id(),
                pid,
                shimPid,
                socket == null ? "" : socket.address(),
                socket == null ? "" : socket.kind(),
                runtime,
                reachable,
                action,
                reason);
    }
}
