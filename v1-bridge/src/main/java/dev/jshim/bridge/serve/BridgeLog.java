package dev.jshim.bridge.serve;

import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import dev.jshim.task.ShimLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The bridge's log, a file in the state directory, which is memory on most nodes: a bridge that lives for years with
 * something to complain of must not fill it. There is one file before it, of at most about the same size. Thread-safe.
 */
final class BridgeLog {
    private static final long MAX_BYTES = 8L << 20;
    private static final Duration EVERY = Duration.ofMinutes(1);

    private final Path file;
    private final long maxBytes;
    private @Nullable Fd old;
    private @Nullable Fd open;

    BridgeLog(Path file) {
        this(file, MAX_BYTES);
    }

    /** With a size of its own. */
    BridgeLog(Path file, long maxBytes) {
        this.file = file;
        this.maxBytes = maxBytes;
    }

    /** Lines go there from now on. */
    void open() throws IOException {
        if (isLarge()) {
            begin();
        } else {
            write();
        }
    }

    /** Looks at its size now and then. */
    void watch(ScheduledExecutorService timer) {
        var _ = timer.scheduleWithFixedDelay(
                () -> Thread.ofVirtual().name("log-size").start(this::look),
                EVERY.toMillis(),
                EVERY.toMillis(),
                TimeUnit.MILLISECONDS);
    }

    /** Begins a new file where this one is large. */
    void look() {
        if (isLarge()) {
            try {
                begin();
            } catch (IOException e) {
                ShimLog.warn("could not begin a new log", "path", file, "error", e);
            }
        }
    }

    private boolean isLarge() {
        try {
            return Files.size(file) > maxBytes;
        } catch (IOException e) {
            return false; // not there
        }
    }

    private void begin() throws IOException {
        Files.move(file, file.resolveSibling(file.getFileName() + ".1"), StandardCopyOption.REPLACE_EXISTING);
        write();
    }

    private synchronized void write() throws IOException {
        var flags = OpenFlags.O_WRONLY | OpenFlags.O_APPEND | OpenFlags.O_CREAT | OpenFlags.O_CLOEXEC;
        try {
            var fresh = FileCalls.open(file, flags, 0600);
            ShimLog.open(fresh, false);
            // Somebody may be about to write a line to the one before, not to that before it.
            if (old != null) {
                old.close();
            }
            old = open;
            open = fresh;
        } catch (ErrnoException e) {
            throw new IOException("cannot write " + file + ": " + e.getMessage(), e);
        }
    }
}
