package dev.jshim.task;

import com.google.protobuf.Timestamp;
import java.time.DateTimeException;
import java.time.Instant;

/** Instants as protobuf writes them. */
public final class Timestamps {
    private Timestamps() {}

    @SuppressWarnings("JavaInstantGetSecondsGetNano") // Seconds and the nanoseconds after them is just what it holds.
    public static Timestamp of(Instant at) {
        return Timestamp.newBuilder()
                .setSeconds(at.getEpochSecond())
                .setNanos(at.getNano())
                .build();
    }

    /** {@link Exit#NEVER} for Go's zero time, which is in the year 1, for no time at all and for nonsense. */
    public static Instant instant(Timestamp timestamp) {
        if (timestamp.getSeconds() <= 0) {
            return Exit.NEVER;
        }
        try {
            return Instant.ofEpochSecond(timestamp.getSeconds(), timestamp.getNanos());
        } catch (DateTimeException e) {
            return Exit.NEVER;
        }
    }
}
