package dev.jshim.task;

import java.time.Instant;

/**
 * How a process ended.
 *
 * @param pid its pid on the host, 0 if it never ran, or if a shim reports the exit and not the pid
 * @param status its exit code, or 128 + signal
 * @param at when it was seen to have ended; {@link #NEVER} if it never ran, or if a shim does not report it
 */
public record Exit(int pid, int status, Instant at) {
    /** Go's zero time, which containerd's clients know for "no time"; 1970 they take for a time. */
    public static final Instant NEVER = Instant.ofEpochSecond(-62_135_596_800L); // parsing it would load formatters
}
