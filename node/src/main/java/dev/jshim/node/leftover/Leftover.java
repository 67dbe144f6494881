package dev.jshim.node.leftover;

import dev.jshim.task.TaskId;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Something that a container, a shim or a runtime left behind, and that nobody uses any more.
 *
 * @param task whose it was; null if that is not known
 * @param owner the id of the container, or of the exec, that a FIFO is named after, if the task is not known; else null
 * @param path of the thing; for a shim that of its process in /proc
 * @param why what shows that nobody uses it, a sentence
 * @param removable whether removing it is certain to hurt nobody; what is not is only shown
 */
public record Leftover(
        Kind kind, @Nullable TaskId task, @Nullable String owner, Path path, String why, boolean removable) {
    /** Of a task, or of nobody who is known. */
    Leftover(Kind kind, @Nullable TaskId task, Path path, String why, boolean removable) {
        this(kind, task, null, path, why, removable);
    }

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
