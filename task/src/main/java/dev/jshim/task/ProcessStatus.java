package dev.jshim.task;

/** The states of a process as containerd knows them. */
public enum ProcessStatus {
    UNKNOWN,
    CREATED,
    RUNNING,
    STOPPED,
    PAUSED,
    PAUSING
}
