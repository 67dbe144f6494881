package dev.jshim.task;

import com.google.protobuf.Timestamp;
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

    public static Instant instant(Timestamp timestamp) {
        return Instant.ofEpochSecond(timestamp.getSeconds(), timestamp.getNanos());
    }
}
