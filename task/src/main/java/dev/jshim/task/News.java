package dev.jshim.task;

/** What clients know of a process, in this order. */
public enum News {
    NONE,
    STARTED,
    /** Its exit; its start before that. */
    ENDED
}
