package dev.jshim.bridge;

import com.google.protobuf.Timestamp;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The time in which a containerd ran already and the bridge did not hear it yet, as far as all that exited in it is
 * sure to have been told by the v1 shims: the last two seconds at most.
 *
 * @param from by the clock of the wall, as v1 shims tell the time of an exit
 */
record UnheardTime(Instant from, Instant to) {
    /**
     * For so long a v1 shim's program waits for a daemon that does not answer yet (cmd/containerd/command/publish.go,
     * v1.6.20): what exited earlier it may have given up.
     */
    private static final Duration PUBLISH_WAITS = Duration.ofSeconds(2);

    /** There was none, or nothing is known of it. */
    static final UnheardTime NONE = new UnheardTime(Instant.MAX, Instant.MIN);

    /** Until now, of a daemon that made its socket when it began to listen; {@link #NONE} where the clock was set. */
    static UnheardTime of(Path socket, Start bridge) {
        return of(socket, bridge, Instant.now());
    }

    /** As {@link #of(Path, Start)}, until that moment. */
    static UnheardTime of(Path socket, Start bridge, Instant now) {
        var began = began(socket);
        if (began == null || bridge.clockWasSet()) {
            return NONE;
        }
        // Of what was before the bridge began nobody can say whether the clock was set since.
        return new UnheardTime(latest(began, bridge.wall, now.minus(PUBLISH_WAITS)), now);
    }

    private static Instant latest(Instant... times) {
        return Collections.max(List.of(times));
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
        /**
         * More between the two readings is not one moment: whoever was stopped there would see a clock that was set.
         */
        private static final long TOGETHER = Duration.ofMillis(10).toNanos();

        private final Instant wall;
        private final long nanos;

        Start() {
            var before = System.nanoTime();
            var now = Instant.now();
            while (System.nanoTime() - before > TOGETHER) {
                before = System.nanoTime();
                now = Instant.now();
            }
            wall = now;
            nanos = before;
        }

        private boolean clockWasSet() {
            var later = new Start();
            var expected = wall.plusNanos(later.nanos - nanos);
            return Duration.between(expected, later.wall).abs().compareTo(DRIFT) > 0;
        }
    }
}
