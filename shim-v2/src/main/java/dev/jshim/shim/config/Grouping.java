package dev.jshim.shim.config;

import org.jspecify.annotations.Nullable;

/** Which containers share one shim process. */
public enum Grouping {
    /** Those of a pod; a container without one is alone. */
    POD,
    /** All of a namespace of one containerd. */
    NODE,
    /** None. */
    CONTAINER;

    static @Nullable Grouping named(String word) {
        return switch (word) {
            case "pod" -> POD;
            case "node" -> NODE;
            case "container" -> CONTAINER;
            default -> null;
        };
    }
}
