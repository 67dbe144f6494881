package dev.jshim.node.shim;

/** The states of a task, with the names that {@code ctr task ls} has, in lower case. */
public enum TaskStatus {
    UNKNOWN,
    CREATED,
    RUNNING,
    STOPPED,
    PAUSED,
    PAUSING;

    /** In lower case. */
    public String label() {
        return switch (this) {
            case UNKNOWN -> "unknown";
            case CREATED -> "created";
            case RUNNING -> "running";
            case STOPPED -> "stopped";
            case PAUSED -> "paused";
            case PAUSING -> "pausing";
        };
    }
}
