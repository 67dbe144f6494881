package dev.jshim.task;

/**
 * Where a process's streams go, as the client named it: a FIFO's path, a URI, or empty for none.
 *
 * @param terminal whether the process has a terminal; stderr is empty then
 */
public record Stdio(String stdin, String stdout, String stderr, boolean terminal) {
    public static final Stdio NONE = new Stdio("", "", "", false);
}
