package dev.jshim.node.shim;

/**
 * A process of a task.
 *
 * @param execId empty for init and for what the processes started themselves
 */
public record TaskPid(int pid, String execId) {}
