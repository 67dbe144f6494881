package dev.jshim.task;

/** What clients have been told of a process, in this order. */
public enum News {
    NONE,
    STARTED,
    /** Its exit; its start before that. */
    ENDED
}
