package dev.jshim.shim.oci;

import dev.jshim.task.ProcessStatus;
import dev.jshim.task.ShimException;
import java.util.Locale;

/** The life of a container's init, and what may be done when (cmd/containerd-shim-runc-v2/process/init_state.go). */
enum InitPhase {
    CREATED(ProcessStatus.CREATED),
    RUNNING(ProcessStatus.RUNNING),
    PAUSING(ProcessStatus.PAUSING),
    PAUSED(ProcessStatus.PAUSED),
    STOPPED(ProcessStatus.STOPPED),
    DELETED(ProcessStatus.STOPPED);

    private final ProcessStatus status;

    InitPhase(ProcessStatus status) {
        this.status = status;
    }

    ProcessStatus status() {
        return status;
    }

    /** What a client can ask of init. */
    enum Action {
        START,
        PAUSE,
        RESUME,
        EXEC,
        KILL,
        UPDATE,
        CHECKPOINT,
        DELETE
    }

    /**
     * Refuses what may not be done now.
     *
     * @throws ShimException of the kind that runc's v2 shim gives for the same case
     */
    void require(Action action) {
        var allowed = switch (this) {
            case CREATED ->
                switch (action) {
                    case START, EXEC, KILL, UPDATE, DELETE -> true;
                    case PAUSE, RESUME, CHECKPOINT -> false;
                };
            case RUNNING ->
                switch (action) {
                    case PAUSE, EXEC, KILL, UPDATE, CHECKPOINT -> true;
                    case START, RESUME, DELETE -> false;
                };
            case PAUSING, PAUSED ->
                switch (action) {
                    case RESUME, KILL, UPDATE, CHECKPOINT -> true;
                    case START, PAUSE, EXEC, DELETE -> false;
                };
            case STOPPED ->
                switch (action) {
                    case DELETE -> true;
                    case KILL -> throw ShimException.notFound("process already finished");
                    case START, PAUSE, RESUME, EXEC, UPDATE, CHECKPOINT -> false;
                };
            case DELETED -> throw ShimException.notFound("container has been deleted");
        };
        if (!allowed) {
            throw new ShimException(ShimException.Kind.UNKNOWN, "cannot " + refusal(action));
        }
    }

    /** In the words of runc's v2 shim, for whoever looks for them. */
    private String refusal(Action action) {
        var verb = action.name().toLowerCase(Locale.ROOT);
        var state = name().toLowerCase(Locale.ROOT);
        if (this == CREATED) {
            return verb + (action == Action.CHECKPOINT ? " a" : "") + " task in created state";
        }
        return switch (action) {
            case EXEC -> verb + " in a " + state + " state";
            case START, DELETE -> verb + " a " + state + " process";
            case RESUME -> verb + " a " + state + (this == RUNNING ? " process" : " container");
            case PAUSE, KILL, UPDATE, CHECKPOINT -> verb + " a " + state + " container";
        };
    }
}
