package dev.jshim.it;

import java.util.List;

/** Signals to single processes, always by id. */
public enum Signal {
    TERM,
    KILL,
    STOP,
    CONT;

    /** Sends it; a process that is gone already is no error. */
    public void to(long pid) {
        if (pid <= 1) {
            throw new IllegalArgumentException("pid " + pid);
        }
        Run.of(List.of("/bin/sh", "-c", "kill -" + this + " " + pid)).run();
    }
}
