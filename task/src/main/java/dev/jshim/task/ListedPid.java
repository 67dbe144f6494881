package dev.jshim.task;

/**
 * A process inside a container.
 *
 * @param pid on the host
 * @param execId the exec that it is, empty for init and for what they forked
 */
public record ListedPid(int pid, String execId) {}
