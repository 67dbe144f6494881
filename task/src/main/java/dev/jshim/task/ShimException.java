package dev.jshim.task;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/** A call that failed, in the words of containerd's error kinds. The message is shown to the operator as it is. */
public final class ShimException extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1L;

    /** What kind of failure it is; each has one gRPC code, see {@link Statuses}. */
    public enum Kind {
        NOT_FOUND,
        ALREADY_EXISTS,
        FAILED_PRECONDITION,
        INVALID_ARGUMENT,
        UNIMPLEMENTED,
        DEADLINE_EXCEEDED,
        UNAVAILABLE,
        RESOURCE_EXHAUSTED,
        INTERNAL,
        /** What the Go shim sends for an error that has no kind of its own. */
        UNKNOWN
    }

    private final Kind kind;

    public ShimException(Kind kind, String message) {
        this(kind, message, null);
    }

    public ShimException(Kind kind, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }

    public static ShimException notFound(String message) {
        return new ShimException(Kind.NOT_FOUND, message);
    }

    public static ShimException alreadyExists(String message) {
        return new ShimException(Kind.ALREADY_EXISTS, message);
    }

    public static ShimException failedPrecondition(String message) {
        return new ShimException(Kind.FAILED_PRECONDITION, message);
    }

    public static ShimException invalidArgument(String message) {
        return new ShimException(Kind.INVALID_ARGUMENT, message);
    }

    /** For what would take more of the heap than one client, or all together, may take. */
    public static ShimException resourceExhausted(String message) {
        return new ShimException(Kind.RESOURCE_EXHAUSTED, message);
    }

    public static ShimException unimplemented(String message) {
        return new ShimException(Kind.UNIMPLEMENTED, message);
    }
}
