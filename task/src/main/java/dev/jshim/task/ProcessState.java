package dev.jshim.task;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * How a process stands.
 *
 * @param id the container's id for init, else the exec's
 * @param pid on the host, 0 if it was never started
 * @param exit null until it has ended
 */
public record ProcessState(
        String id,
        Path bundle,
        int pid,
        ProcessStatus status,
        Stdio stdio,
        @Nullable Exit exit) {}
