package dev.jshim.shim;

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
 * <p>Its value is {@code POINT:N:halt}, which ends the process at the Nth arrival as kill -9 does,
 * {@code POINT:N:exhaust}, which takes all memory there, or {@code POINT:N:hold:FILE}, which makes that file and waits
 * until somebody has removed it; if it is there already nothing is done. The first two may have a {@code :FILE}, too,
 * which is made first, so that a process that is started again in the same way goes on. POINT may end with a star for
 * all that begin so, or be {@code any} for all of a migration: not those that begin with {@code call-}, to which a
 * bridge comes all the time.
 */
public final class FaultPoint {
    private static final String PROPERTY = "jshim.fault";
    private static final @Nullable FaultPoint SET = parse(System.getProperty(PROPERTY));
    /** A test that died must not leave a process that waits for ever. */
    private static final long LONGEST_HOLD_NANOS = 60_000_000_000L;

    private static final int KILLED = 137;
    private static final List<byte[]> TAKEN = new ArrayList<>();

    private final String point;
    private final AtomicInteger arrivals;
    private final String action;
    private final @Nullable Path file;

    private FaultPoint(String point, int arrivals, String action, @Nullable Path file) {
        this.point = point;
        this.action = action;
        this.arrivals = new AtomicInteger(arrivals);
        this.file = file;
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
        var parts = value.split(":", 4);
        var file = parts.length < 4 ? null : Path.of(parts[3]);
        return new FaultPoint(parts[0], Integer.parseInt(parts[1]), parts[2], file);
    }

    private void arrive(String here) {
        if (!isMeant(here) || arrivals.decrementAndGet() != 0 || (file != null && !create(file))) {
            return;
        }
        System.err.println("fault point " + here);
        System.err.flush();
        if (action.equals("exhaust")) {
            exhaust();
        } else if (file == null || action.equals("halt")) {
            Runtime.getRuntime().halt(KILLED);
        } else {
            hold(file);
        }
    }

    private boolean isMeant(String here) {
        if (point.equals("any")) {
            return !here.startsWith("call-");
        }
        return point.endsWith("*") ? here.startsWith(point.substring(0, point.length() - 1)) : point.equals(here);
    }

    /** Until the JVM itself says that there is none left. */
    private static void exhaust() {
        while (true) {
            TAKEN.add(new byte[1 << 20]);
        }
    }

    /** False if a process before this one came here. */
    private static boolean create(Path file) {
        try {
            Files.createFile(file);
            return true;
        } catch (FileAlreadyExistsException e) {
            return false;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void hold(Path file) {
        var end = System.nanoTime() + LONGEST_HOLD_NANOS;
        while (Files.exists(file) && System.nanoTime() < end) {
            LockSupport.parkNanos(5_000_000);
        }
    }
}
