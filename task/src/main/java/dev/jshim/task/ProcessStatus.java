package dev.jshim.task;

import java.util.Locale;

/** The states of a process as containerd knows them. */
public enum ProcessStatus {
    UNKNOWN,
    CREATED,
    RUNNING,
    STOPPED,
    PAUSED,
    PAUSING;

    private final String label = name().toLowerCase(Locale.ROOT);

    /** In lower case. */
    public String label() {
        return label;
    }
}
