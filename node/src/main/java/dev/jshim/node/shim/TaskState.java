package dev.jshim.node.shim;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A task as its shim sees it.
 *
 * @param stdin empty where there is none, as stdout and stderr
 * @param exitedAt null while it has not exited
 */
public record TaskState(
        int pid,
        TaskStatus status,
        String bundle,
        String stdin,
        String stdout,
        String stderr,
        boolean terminal,
        int exitStatus,
        @Nullable Instant exitedAt) {}
