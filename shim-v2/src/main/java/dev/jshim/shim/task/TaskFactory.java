package dev.jshim.shim.task;

/** Makes the tasks of a shim. */
@FunctionalInterface
public interface TaskFactory {
    /**
     * Creates a container whose init is ready to be started. Blocks until it is there.
     *
     * @throws ShimException where it could not be created; nothing is left behind then
     */
    Task create(CreateRequest request);
}
