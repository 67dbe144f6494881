package dev.jshim.node.survey;

/** How a task stands, in a word. */
public enum Health {
    /** The shim answers, and what it says fits the processes there are. */
    OK,
    /** The shim answers, but something is wrong; the details say what. */
    DEGRADED,
    /** The shim's JVM has died, or is being replaced, and its keeper starts the next one. */
    RESTARTING,
    /** Somebody listens and does not answer in time. */
    MUTE,
    /** Init lives, and no shim serves it. */
    ORPHAN,
    /** Neither shim nor init lives: the container ended with its shim. */
    DEAD,
    /** A directory that never had a task, or whose pids are gone for good. */
    LEAKED;

    /** In lower case. */
    public String label() {
        return switch (this) {
            case OK -> "ok";
            case DEGRADED -> "degraded";
            case RESTARTING -> "restarting";
            case MUTE -> "mute";
            case ORPHAN -> "orphan";
            case DEAD -> "dead";
            case LEAKED -> "leaked";
        };
    }
}
