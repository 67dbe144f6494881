package dev.jshim.bridge.migrate;

import java.io.IOException;
import java.io.Serial;

/** A migration that could not be done as a whole. The message says why and what to do, in one line for the operator. */
public final class MigrationException extends IOException {
    @Serial
    private static final long serialVersionUID = 1L;

    MigrationException(String message) {
        super(message);
    }

    MigrationException(String message, Throwable cause) {
        super(message, cause);
    }
}
