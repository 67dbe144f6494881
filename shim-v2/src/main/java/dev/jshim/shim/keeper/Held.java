package dev.jshim.shim.keeper;

import dev.jshim.linux.Fd;

/**
 * A descriptor that the keeper holds as well.
 *
 * @param name at most 400 bytes, without NUL and line ends; a connection that the keeper has accepted is named after
 *     its listener, with {@code #} and a number
 * @param fd this process's own
 * @param isListening whether the keeper accepts connections on it
 */
public record Held(String name, Fd fd, boolean isListening) {
    /** The name of the listener that a connection was accepted on. */
    public String listener() {
        var end = name.lastIndexOf('#');
        return end < 0 ? name : name.substring(0, end);
    }
}
