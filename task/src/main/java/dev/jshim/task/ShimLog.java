package dev.jshim.task;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The shim's own log: lines in the form of logrus, which containerd copies into its own log.
 *
 * <p>It goes to the FIFO {@code log} in the bundle and never blocks: a line that does not fit is dropped, for a shim
 * that waits for its log serves nobody. Until it is opened it goes nowhere. Thread-safe.
 */
public final class ShimLog {
    private static final int PIPE_BUF = 4096;
    private static final byte[] CUT = "...\"\n".getBytes(StandardCharsets.US_ASCII);

    private static volatile @Nullable Fd sink;
    private static volatile boolean debug;

    private ShimLog() {}

    /**
     * Opens the FIFO that containerd reads. A missing FIFO, as when a shim is driven by hand, leaves the log closed.
     *
     * @param bundle the directory that holds it
     * @return its descriptor, which stays the log's; null if there is none
     */
    @CanIgnoreReturnValue
    public static @Nullable Fd open(Path bundle, boolean withDebug) {
        debug = withDebug;
        try {
            // Read and write: a FIFO opened for writing alone breaks when containerd restarts, and is then gone.
            var flags = OpenFlags.O_RDWR | OpenFlags.O_NONBLOCK | OpenFlags.O_CLOEXEC;
            var fifo = FileCalls.open(bundle.resolve("log"), flags, 0);
            sink = fifo;
            return fifo;
        } catch (ErrnoException e) {
            sink = null;
            return null;
        }
    }

    /** Lines go to this descriptor from now on; it is not closed here. */
    public static void open(Fd descriptor, boolean withDebug) {
        debug = withDebug;
        sink = descriptor;
    }

    /**
     * For those who look for a fault; written only if containerd logs at that level.
     *
     * @param keysAndValues a key, its value, a key, its value ...
     */
    public static void debug(String message, @Nullable Object... keysAndValues) {
        if (debug) {
            write("debug", message, keysAndValues);
        }
    }

    /**
     * A change of state.
     *
     * @param keysAndValues a key, its value, a key, its value ...
     */
    public static void info(String message, @Nullable Object... keysAndValues) {
        write("info", message, keysAndValues);
    }

    /**
     * Something went wrong that the shim could make up for.
     *
     * @param keysAndValues a key, its value, a key, its value ...
     */
    public static void warn(String message, @Nullable Object... keysAndValues) {
        write("warning", message, keysAndValues);
    }

    /**
     * Something went wrong that an operator should know of.
     *
     * @param keysAndValues a key, its value, a key, its value ...
     */
    public static void error(String message, @Nullable Object... keysAndValues) {
        write("error", message, keysAndValues);
    }

    private static void write(String level, String message, @Nullable Object... keysAndValues) {
        var to = sink;
        if (to == null) {
            return;
        }
        var line = bytes(line(level, message, keysAndValues));
        try {
            // One write of at most PIPE_BUF is taken whole or not at all: lines of several threads do not mix.
            to.write(line, 0, line.length);
        } catch (ErrnoException e) {
            // Nobody reads, or the pipe is full: the line is lost, the shim is not.
        }
    }

    /** At most PIPE_BUF bytes, cut if it is longer; never inside its last character, the end of the line. */
    static byte[] bytes(String line) {
        var bytes = line.getBytes(StandardCharsets.UTF_8);
        if (bytes.length <= PIPE_BUF) {
            return bytes;
        }
        var cut = Arrays.copyOf(bytes, PIPE_BUF);
        System.arraycopy(CUT, 0, cut, PIPE_BUF - CUT.length, CUT.length);
        return cut;
    }

    static String line(String level, String message, @Nullable Object... keysAndValues) {
        var text = new StringBuilder(160);
        text.append("time=\"").append(Instant.now().truncatedTo(ChronoUnit.MICROS));
        text.append("\" level=").append(level).append(" msg=");
        quote(text, message);
        for (var i = 0; i + 1 < keysAndValues.length; i += 2) {
            text.append(' ').append(keysAndValues[i]).append('=');
            quote(text, String.valueOf(keysAndValues[i + 1]));
        }
        return text.append('\n').toString();
    }

    private static void quote(StringBuilder text, String value) {
        text.append('"');
        for (var i = 0; i < value.length(); i++) {
            var c = value.charAt(i);
            switch (c) {
                case '"', '\\' -> text.append('\\').append(c);
                case '\n' -> text.append("\\n");
                default -> text.append(Character.isISOControl(c) ? ' ' : c);
            }
        }
        text.append('"');
    }
}
