package dev.jshim.shim.task;

import java.time.Instant;

/**
 * How a process ended.
 *
 * @param pid its pid on the host, 0 where it never ran
 * @param status its exit code, or 128 + signal
 * @param at when it was seen to have ended; {@link Instant#EPOCH} where it never ran
 */
public record Exit(int pid, int status, Instant at) {}
