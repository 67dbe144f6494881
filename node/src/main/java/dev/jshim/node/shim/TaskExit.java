package dev.jshim.node.shim;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * How a process of a task ended.
 *
 * @param status as a shell has it: 128 and the signal's number for one that was killed
 * @param at null where the shim does not say
 */
public record TaskExit(int status, @Nullable Instant at) {}
