package dev.jshim.task;

import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;

/** The one place where failures become gRPC statuses, and back. */
public final class Statuses {
    private Statuses() {}

    /** The status that a client sees for a failure of any kind. */
    public static Status of(Throwable failure) {
        // A switch over types costs its first caller 5 ms, which no AOT cache saves.
        if (failure instanceof ShimException e) {
            return code(e.kind()).toStatus().withDescription(e.getMessage());
        }
        if (failure instanceof StatusRuntimeException e) {
            return e.getStatus();
        }
        if (failure instanceof StatusException e) {
            return e.getStatus();
        }
        return Status.UNKNOWN.withDescription(failure.toString()).withCause(failure);
    }

    /** The failure that a status of a peer stands for. Codes without a kind of their own become UNKNOWN. */
    public static ShimException exception(Status status) {
        var text = status.getDescription() == null ? status.getCode().name() : status.getDescription();
        return new ShimException(kind(status.getCode()), text, status.getCause());
    }

    private static Status.Code code(ShimException.Kind kind) {
        return switch (kind) {
            case NOT_FOUND -> Status.Code.NOT_FOUND;
            case ALREADY_EXISTS -> Status.Code.ALREADY_EXISTS;
            case FAILED_PRECONDITION -> Status.Code.FAILED_PRECONDITION;
            case INVALID_ARGUMENT -> Status.Code.INVALID_ARGUMENT;
            case UNIMPLEMENTED -> Status.Code.UNIMPLEMENTED;
            case DEADLINE_EXCEEDED -> Status.Code.DEADLINE_EXCEEDED;
            case UNAVAILABLE -> Status.Code.UNAVAILABLE;
            case RESOURCE_EXHAUSTED -> Status.Code.RESOURCE_EXHAUSTED;
            case INTERNAL -> Status.Code.INTERNAL;
            case UNKNOWN -> Status.Code.UNKNOWN;
        };
    }

    private static ShimException.Kind kind(Status.Code code) {
        return switch (code) {
            case NOT_FOUND -> ShimException.Kind.NOT_FOUND;
            case ALREADY_EXISTS -> ShimException.Kind.ALREADY_EXISTS;
            case FAILED_PRECONDITION -> ShimException.Kind.FAILED_PRECONDITION;
            case INVALID_ARGUMENT -> ShimException.Kind.INVALID_ARGUMENT;
            case UNIMPLEMENTED -> ShimException.Kind.UNIMPLEMENTED;
            case DEADLINE_EXCEEDED -> ShimException.Kind.DEADLINE_EXCEEDED;
            case UNAVAILABLE -> ShimException.Kind.UNAVAILABLE;
            case RESOURCE_EXHAUSTED -> ShimException.Kind.RESOURCE_EXHAUSTED;
            case INTERNAL -> ShimException.Kind.INTERNAL;
            case OK, CANCELLED, UNKNOWN, PERMISSION_DENIED, ABORTED, OUT_OF_RANGE, DATA_LOSS, UNAUTHENTICATED ->
                ShimException.Kind.UNKNOWN;
        };
    }
}
