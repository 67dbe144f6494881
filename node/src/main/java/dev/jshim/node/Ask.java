package dev.jshim.node;

import dev.jshim.task.Printable;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.function.Supplier;

/** Makes an {@link Answer} of a call that throws. */
public final class Ask {
    private Ask() {}

    /** Runs a call, which must end by itself when {@code timeout} has passed. */
    public static <T> Answer<T> call(Duration timeout, Supplier<T> call) {
        var start = System.nanoTime();
        try {
            var value = call.get();
            return new Answer.Answered<>(value, Duration.ofNanos(System.nanoTime() - start));
        } catch (StatusRuntimeException e) {
            var status = e.getStatus();
            if (status.getCode() == Status.Code.DEADLINE_EXCEEDED) {
                return new Answer.Mute<>(timeout);
            }
            return new Answer.Refused<>(status.getCode(), reason(status));
        }
    }

    private static String reason(Status status) {
        var description = status.getDescription();
        return Printable.of(
                description == null || description.isEmpty() ? status.getCode().name() : description);
    }
}
