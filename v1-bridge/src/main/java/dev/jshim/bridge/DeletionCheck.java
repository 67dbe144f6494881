package dev.jshim.bridge;

import dev.jshim.proto.v1.shim.StateRequest;
import dev.jshim.shim.task.ShimException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Whether a v1 container whose deletion was begun has been deleted; asked by who comes after a bridge that died. */
enum DeletionCheck {
    /** It has; what was of v1 is to be cleared away. */
    DELETED,
    /** It has not: it is there, ended, under its own v1 shim, or that has died before it could delete it. */
    STOPPED,
    /** It lives, or something else is in its place: nothing may be cleared away. */
    PRESENT,
    /** Its shim does not answer. */
    UNKNOWN;

    /**
     * Looks at the processes, the v1 bundle and the v1 shim. Blocks for its answer, at most {@link LegacyTask#QUICK}.
     */
    static DeletionCheck of(LegacyRecord record) {
        if (record.init().isAlive() || isAnothers(record)) {
            return PRESENT;
        }
        if (!record.shim().isAlive()) {
            return LeftState.isThere(record) ? STOPPED : DELETED;
        }
        try (var link = ShimLink.to(record)) {
            var request = StateRequest.newBuilder().setId(record.id()).build();
            var _ = link.read(LegacyTask.QUICK, shim -> shim.state(request));
            return STOPPED;
        } catch (ShimException e) {
            return e.kind() == ShimException.Kind.NOT_FOUND || e.kind() == ShimException.Kind.FAILED_PRECONDITION
                    ? DELETED
                    : UNKNOWN;
        }
    }

    /** Whether an old daemon has made another container of the same id, whose files lie where ours did. */
    static boolean isAnothers(LegacyRecord record) {
        return differs(record.v1Bundle().resolve("init.pid"), record.init().pid())
                || differs(record.v1Bundle().resolve("shim.pid"), record.shim().pid());
    }

    private static boolean differs(Path file, int pid) {
        try {
            return Files.exists(file) && !Files.readString(file).strip().equals(Integer.toString(pid));
        } catch (IOException e) {
            return true;
        }
    }
}
