package dev.jshim.shim.keeper;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Places at which the tests end or hold this very process, to show that what is interrupted there can be run again.
 * Without the system property {@value #PROPERTY}, which only tests set, a point does nothing. Thread-safe.
 *
 * <p>Its value is {@code POINT:N:ACTION}: what happens at the Nth arrival. POINT may end with a star for all that begin
 * so, or be {@code any} for all of a migration: not those that begin with {@code call-} or {@code keeper-}, to which a
 * bridge comes all the time. The actions:
 *
 * <ul>
 *   <li>{@code halt} ends the process, as kill -9 does
 *   <li>{@code exhaust} takes all memory there
 *   <li>{@code hold:FILE} waits until somebody has removed that file
 *   <li>{@code spin:FILE} is the same, and the thread runs meanwhile
 *   <li>{@code leak:FILE} takes memory bit by bit from then on: what runs goes on, ever more slowly
 * </ul>
 *
 * <p>What has a FILE is done by one process alone, that which makes the file. The first two may have a {@code :FILE},
 * too: a process that is started again in the same way goes on.
 */
public final class FaultPoint {
    private static final String PROPERTY = "jshim.fault";
    private static final @Nullable FaultPoint SET = parse(System.getProperty(PROPERTY));
    /** A test that died must not leave a process that waits forever. */
    private static final long LONGEST_HOLD_NANOS = 60_000_000_000L;

    private static final int KILLED = 137;
    private static final List<byte[]> TAKEN = new ArrayList<>();

    private final String point;
    private final AtomicInteger arrivals;
    private final String action;

    private FaultPoint(String point, int arrivals, String action) {
        this.point = point;
        this.arrivals = new AtomicInteger(arrivals);
        this.action = action;
    }

    /** Says that the calling thread has come to a point. */
    public static void at(String point) {
        if (SET != null) {
            SET.arrive(point);
        }
    }

    private static @Nullable FaultPoint parse(@Nullable String value) {
        if (value == null) {
            return null;
        }
        var parts = value.split(":", 3);
        return new FaultPoint(parts[0], Integer.parseInt(parts[1]), parts[2]);
    }

    private void arrive(String here) {
        if (isMeant(here) && arrivals.decrementAndGet() == 0) {
            var words = action.split(":", 2);
            if (words.length > 1 && !isFirst(Path.of(words[1]))) {
                return;
            }
            System.err.println("fault point " + here);
            System.err.flush();
            switch (words[0]) {
                case "halt" -> Runtime.getRuntime().halt(KILLED);
                case "exhaust" -> exhaust();
                case "hold" -> hold(Path.of(words[1]), () -> LockSupport.parkNanos(5_000_000));
                case "spin" -> hold(Path.of(words[1]), Thread::onSpinWait);
                case "leak" -> Thread.ofPlatform().daemon().start(FaultPoint::leak);
                default -> throw new IllegalStateException(action);
            }
        }
    }

    /** False if a process before this one came here. */
    private static boolean isFirst(Path file) {
        try {
            Files.createFile(file);
            return true;
        } catch (FileAlreadyExistsException e) {
            return false;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private boolean isMeant(String here) {
        if (point.equals("any")) {
            return !here.startsWith("call-") && !here.startsWith("keeper-");
        }
        return point.endsWith("*") ? here.startsWith(point.substring(0, point.length() - 1)) : point.equals(here);
    }

    /** Until the JVM itself says that there is none left. */
    private static void exhaust() {
        while (true) {
            TAKEN.add(new byte[1 << 20]);
        }
    }

    /** The last of it at 2 MB/s. */
    private static void leak() {
        var runtime = Runtime.getRuntime();
        while (true) {
            if (runtime.totalMemory() - runtime.freeMemory() < 0.94 * runtime.maxMemory()) {
                TAKEN.add(new byte[1 << 20]);
            } else {
                TAKEN.add(new byte[2000]);
                LockSupport.parkNanos(1_000_000);
            }
        }
    }

    private static void hold(Path file, Runnable meanwhile) {
        var end = System.nanoTime() + LONGEST_HOLD_NANOS;
        while (Files.exists(file) && System.nanoTime() < end) {
            meanwhile.run();
        }
    }
}
