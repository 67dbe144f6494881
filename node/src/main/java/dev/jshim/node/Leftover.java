package dev.jshim.node;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Something that a container, a shim or a runtime left behind, and that nobody uses any more.
 *
 * @param task whose it was; null where nothing tells
 * @param path of the thing; for a shim that of its process in /proc
 * @param why what shows that nobody uses it, a sentence
 * @param removable whether removing it is certain to hurt nobody; what is not is only shown
 */
public record Leftover(Kind kind, @Nullable TaskId task, Path path, String why, boolean removable) {
    /** What it is. */
    public enum Kind {
        MOUNT,
        CGROUP,
        RUNTIME_STATE,
        BUNDLE,
        SOCKET,
        FIFO,
        SHIM;

        /** In lower case. */
        public String label() {
            return switch (this) {
                case MOUNT -> "mount";
                case CGROUP -> "cgroup";
                case RUNTIME_STATE -> "runtime state";
                case BUNDLE -> "bundle";
                case SOCKET -> "socket";
                case FIFO -> "fifo";
                case SHIM -> "shim";
            };
        }
    }
}
