package dev.jshim.ttrpc;

import io.grpc.Status;
import java.io.IOException;

/** A message that does not fit in a frame. */
final class OversizeException extends IOException {
    /** Of the data of a frame. */
    static final int MAX_LENGTH = 4 << 20;

    private static final long serialVersionUID = 1L;

    OversizeException(long length) {
        super(text(length));
    }

    /** The words of the Go peers (ttrpc errors.go, v1.2.8). */
    static String text(long length) {
        return "message length " + length + " exceed maximum message size of " + MAX_LENGTH;
    }

    static void check(long length) throws OversizeException {
        if (length > MAX_LENGTH) {
            throw new OversizeException(length);
        }
    }

    static Status status(long length) {
        return Status.RESOURCE_EXHAUSTED.withDescription(text(length));
    }
}
