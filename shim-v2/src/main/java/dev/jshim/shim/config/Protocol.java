package dev.jshim.shim.config;

import org.jspecify.annotations.Nullable;

/** How containerd talks to the shim. */
public enum Protocol {
    TTRPC("ttrpc"),
    GRPC("grpc");

    private final String text;

    Protocol(String text) {
        this.text = text;
    }

    /** As containerd writes it. */
    public String text() {
        return text;
    }

    /** The protocol of that name; null for none. */
    public static @Nullable Protocol named(String word) {
        for (var protocol : values()) {
            if (protocol.text.equals(word)) {
                return protocol;
            }
        }
        return null;
    }
}
