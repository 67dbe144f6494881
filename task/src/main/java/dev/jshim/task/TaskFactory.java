package dev.jshim.task;

import org.jspecify.annotations.Nullable;

/** Makes the tasks of a shim. */
@FunctionalInterface
public interface TaskFactory {
    /**
     * Creates a container whose init is ready to be started. Blocks until it has been created.
     *
     * @throws ShimException if it could not be created; nothing is left behind then
     */
    Task create(CreateRequest request);

    /** How a container ended that was deleted lately, perhaps by a process before this one; null if none was. */
    default @Nullable Exit deleted(String id) {
        return null;
    }
}
