package dev.jshim.node;

/**
 * A process, not only its number: pids are used again, a pid and a start time are not.
 *
 * @param startTicks clock ticks since boot, field 22 of /proc/PID/stat
 */
public record ProcessRef(int pid, long startTicks) {}
