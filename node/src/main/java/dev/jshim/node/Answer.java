package dev.jshim.node;

import dev.jshim.task.Printable;
import dev.jshim.task.ShimException;
import dev.jshim.task.Statuses;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What came of asking a shim or a daemon: that it does not answer is something to report, not an exception.
 *
 * <p>Methods and not switches over the kinds: the JVM builds each of those again at each start, and an AOT cache keeps
 * none.
 */
public sealed interface Answer<T> {
    /** It answered. */
    record Answered<T>(T value, Duration took) implements Answer<T> {
        @Override
        public T orNull() {
            return value;
        }

        @Override
        public <R> Answer<R> map(Function<T, R> function) {
            return new Answered<>(function.apply(value), took);
        }

        @Override
        public <R> Answer<R> then(Function<T, Answer<R>> question) {
            return question.apply(value);
        }

        @Override
        public String describe() {
            return took.toMillis() + " ms";
        }

        @Override
        public String word() {
            return "ok";
        }
    }

    /** It answered with an error, or the connection broke (UNAVAILABLE). */
    record Refused<T>(Status.Code code, String reason) implements Answer<T> {
        @Override
        public <R> Answer<R> then(Function<T, Answer<R>> question) {
            return new Refused<>(code, reason);
        }

        @Override
        public String describe() {
            return "refused: " + reason;
        }

        @Override
        public String word() {
            return "error";
        }
    }

    /** Somebody listens and said nothing for this long. */
    record Mute<T>(Duration after) implements Answer<T> {
        @Override
        public <R> Answer<R> then(Function<T, Answer<R>> question) {
            return new Mute<>(after);
        }

        @Override
        public String describe() {
            return "mute for " + after.toMillis() + " ms";
        }

        @Override
        public String word() {
            return "mute";
        }
    }

    /** There is nobody to ask: no socket is known, or nobody listens there. */
    record Absent<T>(String reason) implements Answer<T> {
        @Override
        public <R> Answer<R> then(Function<T, Answer<R>> question) {
            return new Absent<>(reason);
        }

        @Override
        public String describe() {
            return reason;
        }

        @Override
        public String word() {
            return "absent";
        }
    }

    /** The result of a call that may throw, and that itself ends when {@code timeout} has passed. */
    static <T> Answer<T> of(Duration timeout, Supplier<T> call) {
        var start = System.nanoTime();
        try {
            var value = call.get();
            return new Answered<>(value, Duration.ofNanos(System.nanoTime() - start));
        } catch (ShimException | StatusRuntimeException e) {
            var status = Statuses.of(e);
            return status.getCode() == Status.Code.DEADLINE_EXCEEDED
                    ? new Mute<>(timeout)
                    : new Refused<>(status.getCode(), reason(status));
        }
    }

    /** The same for a call without a value; that of the answer says nothing. */
    static Answer<Boolean> of(Duration timeout, Runnable call) {
        return of(timeout, () -> {
            call.run();
            return true;
        });
    }

    private static String reason(Status status) {
        var description = status.getDescription();
        return Printable.of(
                description == null || description.isEmpty() ? status.getCode().name() : description);
    }

    /** The value; null if there is none. */
    default @Nullable T orNull() {
        return null;
    }

    /** Another value from this one. */
    default <R> Answer<R> map(Function<T, R> function) {
        return then(value -> {
            throw new AssertionError("there is no value");
        });
    }

    /** What is answered to a further question, if there is a value to ask it of. */
    <R> Answer<R> then(Function<T, Answer<R>> question);

    /** In words, for a line of a table: {@code 3 ms}, {@code mute for 5000 ms}, or the reason. */
    String describe();

    /** {@code ok}, {@code error}, {@code mute} or {@code absent}. */
    String word();
}
