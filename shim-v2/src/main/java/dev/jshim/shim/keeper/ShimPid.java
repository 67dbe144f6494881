package dev.jshim.shim.keeper;

import dev.jshim.linux.Processes;

/**
 * The process that stands for this shim: its keeper if it has one, which outlives the JVM and ends with the shim; else
 * the JVM itself. Thread-safe.
 */
public final class ShimPid {
    private static final int PID = find();

    private ShimPid() {}

    /** Its pid. */
    public static int get() {
        return PID;
    }

    private static int find() {
        var own = Processes.getpid();
        var stat = Keeper.isInherited() ? Processes.stat(own) : null;
        return stat == null ? own : stat.parent();
    }
}
