package dev.jshim.bridge;

import com.google.protobuf.Timestamp;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The time in which a containerd ran already and the bridge did not hear it yet: moments, but some hundred of them on a
 * machine that starts everything at once. What exits in it the v1 shims have told that containerd, and nobody was seen
 * to.
 *
 * @param from by the clock of the wall, as v1 shims tell the time of an exit
 */
record UnheardTime(Instant from, Instant to) {
    /** There was none, or nothing is known of it. */
    static final UnheardTime NONE = new UnheardTime(Instant.MAX, Instant.MIN);

    /** Until now, of a daemon that made its socket when it began to listen; {@link #NONE} where the clock was set. */
    static UnheardTime of(Path socket, Start bridge) {
        var began = began(socket);
        if (began == null || bridge.clockWasSet()) {
            return NONE;
        }
        // Of what was before the bridge began nobody can say whether the clock was set since.
        return new UnheardTime(began.isBefore(bridge.wall) ? bridge.wall : began, Instant.now());
    }

    private static @Nullable Instant began(Path socket) {
        try {
            return ((FileTime) Files.getAttribute(socket, "unix:ctime")).toInstant();
        } catch (IOException | UnsupportedOperationException e) {
            return null;
        }
    }

    /** Whether that was in it. */
    boolean contains(Timestamp at) {
        var when = Instant.ofEpochSecond(at.getSeconds(), at.getNanos());
        return !when.isBefore(from) && !when.isAfter(to);
    }

    /** A moment by both clocks: that of the wall may be set, the other one only runs. */
    static final class Start {
        private static final Duration DRIFT = Duration.ofMillis(100);

        private final Instant wall = Instant.now();
        private final long nanos = System.nanoTime();

        private boolean clockWasSet() {
            var expected = wall.plusNanos(System.nanoTime() - nanos);
            return Duration.between(expected, Instant.now()).abs().compareTo(DRIFT) > 0;
        }
    }
}
