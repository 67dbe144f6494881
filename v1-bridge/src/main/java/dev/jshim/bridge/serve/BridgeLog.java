package dev.jshim.bridge.serve;

import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import dev.jshim.task.ShimLog;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * The bridge's log, a file in the state directory, which is memory on most nodes: a bridge that lives for years with
 * something to complain of must not fill it. What is too long is copied to one file beside it, and the log is emptied.
 * It is never renamed: the keeper writes to it too, and so does a JVM that dies, and they have it open for good. A line
 * that is written between copying and emptying is lost.
 */
record BridgeLog(Path file, long maxBytes) {
    private static final long MAX_BYTES = 8L << 20;
    private static final Duration EVERY = Duration.ofMinutes(1);

    BridgeLog(Path file) {
        this(file, MAX_BYTES);
    }

    /** Lines go there from now on. */
    void open() throws IOException {
        look();
        var flags = OpenFlags.O_WRONLY | OpenFlags.O_APPEND | OpenFlags.O_CREAT | OpenFlags.O_CLOEXEC;
        try {
            ShimLog.open(FileCalls.open(file, flags, 0600), false);
        } catch (ErrnoException e) {
            throw new IOException("cannot write " + file + ": " + e.getMessage(), e);
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

    /** Begins it again where it is large, also if there is no room for the copy. */
    void look() {
        try (var log = FileChannel.open(file, StandardOpenOption.WRITE)) {
            if (log.size() > maxBytes) {
                try {
                    var before = file.resolveSibling(file.getFileName() + ".1");
                    Files.copy(file, before, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.COPY_ATTRIBUTES);
                } finally {
                    log.truncate(0);
                }
            }
        } catch (NoSuchFileException e) {
            // It is still to be begun.
        } catch (IOException e) {
            ShimLog.warn("could not keep the log before this one", "path", file, "error", e);
        }
    }
}
