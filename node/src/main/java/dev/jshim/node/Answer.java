package dev.jshim.node;

import io.grpc.Status;
import java.time.Duration;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What came of asking a shim or a daemon: that it does not answer is something to report, not an exception. */
public sealed interface Answer<T> {
    /** It answered. */
    record Answered<T>(T value, Duration took) implements Answer<T> {}

    /** It answered with an error, or the connection broke (UNAVAILABLE). */
    record Refused<T>(Status.Code code, String reason) implements Answer<T> {}

    /** Somebody listens and said nothing for this long. */
    record Mute<T>(Duration after) implements Answer<T> {}

    /** There is nobody to ask: no socket is known, or nobody listens there. */
    record Absent<T>(String reason) implements Answer<T> {}

    /** The value; null where there is none. */
    default @Nullable T orNull() {
        return switch (this) {
            case Answered<T> answered -> answered.value();
            case Refused<T> refused -> null;
            case Mute<T> mute -> null;
            case Absent<T> absent -> null;
        };
    }

    /** Another value from this one. */
    default <R> Answer<R> map(Function<T, R> function) {
        return switch (this) {
            case Answered<T>(var value, var took) -> new Answered<>(function.apply(value), took);
            case Refused<T>(var code, var reason) -> new Refused<>(code, reason);
            case Mute<T>(var after) -> new Mute<>(after);
            case Absent<T>(var reason) -> new Absent<>(reason);
        };
    }

    /** In words, for a line of a table: {@code 3 ms}, {@code mute for 5000 ms}, or the reason. */
    default String describe() {
        return switch (this) {
            case Answered<T> answered -> answered.took().toMillis() + " ms";
            case Refused<T> refused -> "refused: " + refused.reason();
            case Mute<T> mute -> "mute for " + mute.after().toMillis() + " ms";
            case Absent<T> absent -> absent.reason();
        };
    }
}
