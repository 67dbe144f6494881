package dev.jshim.shim.config;

import org.jspecify.annotations.Nullable;

/** Which version of the task API the shim tells containerd to use. It serves both. */
public enum TaskApi {
    /** 3 if the calling containerd is certain to know it, else 2. */
    AUTO,
    V2,
    V3;

    static @Nullable TaskApi of(Object value) {
        return switch (value) {
            case Long number when number == 2 -> V2;
            case Long number when number == 3 -> V3;
            case String word when word.equals("auto") -> AUTO;
            default -> null;
        };
    }
}
