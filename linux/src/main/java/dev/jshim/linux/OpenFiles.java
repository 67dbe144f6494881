package dev.jshim.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How many files this process may have open: as many as its hard limit allows, once it has been {@link #raise raised},
 * while its children have the soft limit that this process was started with. As in every program of Go's since 1.19.
 * Any thread.
 *
 * <p>posix_spawn(3) sets no limits, a child has ours of that moment. So the limit is turned back for as long as a child
 * is being started, which touches nobody while the numbers in use are far below it: the kernel looks at the limit when
 * it gives a number away, not at what is open. Once they are not, the child is started through prlimit(1) of
 * util-linux, which costs 1 ms of cpu time.
 */
public final class OpenFiles {
    private static final int RLIMIT_NOFILE = 7;
    private static final int SIZE = 16;
    private static final int HARD = 8;
    private static final String STUB = "prlimit";

    /** What children get; -1 if that is what this process has. */
    private static long given = -1;

    /** prlimit(1), if there is one. */
    private static @Nullable String stub;

    private static int starting;

    /** The highest number that an {@link Fd} has ever had: the kernel gives the lowest that is free. */
    private static volatile int highest;

    private OpenFiles() {}

    /** A pair as getrlimit(2) gives it, unsigned: -1 is no limit. */
    record Limit(long soft, long hard) {}

    /**
     * Raises the soft limit to the hard one; does nothing if they are the same.
     *
     * @throws ErrnoException EPERM if a policy forbids it: all stays as it was
     */
    public static synchronized void raise() throws ErrnoException {
        Limit limit = get();
        if (limit.soft() == limit.hard()) {
            return;
        }
        set(new Limit(limit.hard(), limit.hard()));
        given = limit.soft();
        stub = findStub();
    }

    /** Starts a child by the JDK, for a process that has no reaper and few files open; see {@link Wait}. */
    public static Process start(ProcessBuilder builder) throws IOException {
        lower();
        try {
            return builder.start();
        } finally {
            restore();
        }
    }

    /** Of two threads at once one may be overlooked, until the next number is given away. */
    static void seen(int number) {
        if (number > highest) {
            highest = number;
        }
    }

    /**
     * Called before posix_spawn(3), which is to be followed by {@link #afterSpawn}.
     *
     * @return words that have to come before the child's own; empty if the child gets its limit without
     */
    static synchronized List<String> beforeSpawn() {
        if (given != -1 && stub != null && highest >= given / 2) {
            return List.of(stub, "--nofile=" + Long.toUnsignedString(given) + ":", "--");
        }
        lower();
        return List.of();
    }

    /** @param before what {@link #beforeSpawn} has answered */
    static void afterSpawn(List<String> before) {
        if (before.isEmpty()) {
            restore();
        }
    }

    private static synchronized void lower() {
        if (given != -1 && starting++ == 0) {
            setSoft(given);
        }
    }

    private static synchronized void restore() {
        if (given != -1 && starting > 0 && --starting == 0) {
            setSoft(-1);
        }
    }

    /** At most the hard limit as it is now, which somebody may have changed from outside. */
    private static void setSoft(long wanted) {
        try {
            long hard = get().hard();
            set(new Limit(Long.compareUnsigned(wanted, hard) < 0 ? wanted : hard, hard));
        } catch (ErrnoException e) {
            // Refused if fs.nr_open has become less than the hard limit. A child with another limit is better than
            // none.
        }
    }

    private static @Nullable String findStub() {
        try {
            return SearchPath.ours().find(STUB);
        } catch (ErrnoException e) {
            // It need not be in the PATH of who has started us.
        }
        String usual = "/usr/bin/" + STUB;
        return Files.isExecutable(Path.of(usual)) ? usual : null;
    }

    static Limit get() throws ErrnoException {
        try (Memory memory = new Memory()) {
            Memory.Block limit = memory.block(SIZE);
            call(0, limit.address());
            return new Limit(limit.buffer().getLong(0), limit.buffer().getLong(HARD));
        }
    }

    static void set(Limit limit) throws ErrnoException {
        try (Memory memory = new Memory()) {
            Memory.Block block = memory.block(SIZE);
            block.buffer().putLong(0, limit.soft()).putLong(HARD, limit.hard());
            call(block.address(), 0);
        }
    }

    private static void call(long change, long current) throws ErrnoException {
        long result = NativeCall.once(Syscall.PRLIMIT64, 0, RLIMIT_NOFILE, change, current, 0, 0);
        NativeCall.check(result, "prlimit", "RLIMIT_NOFILE");
    }

    /** For tests: as if it had not been raised. */
    static synchronized void forget() {
        given = -1;
        highest = 0;
    }
}
