package dev.jshim.node.leftover;

import dev.jshim.task.TaskId;
import java.util.Locale;

/**
 * Something of a containerd's that no bundle of its own stands for, so that no listing of bundles shows it.
 *
 * @param task whose it is
 * @param pid of the process that was found, 0 if none was
 * @param what a sentence for people
 */
public record Stray(Kind kind, TaskId task, int pid, String what) {
    /** What was found. */
    public enum Kind {
        /** A v1 shim runs whose bundle is gone. */
        SHIM_WITHOUT_BUNDLE,
        /** The OCI runtime has a container that lives, whose bundle is gone. */
        CONTAINER_WITHOUT_BUNDLE,
        /** A v1 shim's abstract socket is listened on, and there is no such bundle. */
        SOCKET_WITHOUT_BUNDLE;

        /** In lower case, with dashes. */
        public String label() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }
}
