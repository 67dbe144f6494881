package dev.jshim.bridge;

import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import dev.jshim.shim.log.ShimLog;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Empties the log FIFOs of the v1 shims. A shim that logs more than a pipe holds, 64 KiB, blocks for ever when nobody
 * reads; the v1 daemon was the reader (containerd v1.6.20, runtime/v1/shim/client/client.go).
 *
 * <p>Looks at them every few seconds and takes what lies there. A daemon of 1.x that still runs waits for each line and
 * takes it at once, so what is found here is what nobody else wants.
 */
final class LogDrain implements AutoCloseable {
    private static final Duration EVERY = Duration.ofSeconds(10);
    private static final List<String> FIFOS = List.of("shim.stdout.log", "shim.stderr.log");
    /** A look takes at most this much of one FIFO: one that is written faster has its shim blocked now and then. */
    private static final int MOST = 1 << 20;

    private final Supplier<Collection<AdoptedContainer>> containers;
    private final ScheduledExecutorService timer;
    private final byte[] buffer = new byte[64 << 10];
    private volatile boolean closed;

    LogDrain(Supplier<Collection<AdoptedContainer>> containers, ScheduledExecutorService timer) {
        this.containers = containers;
        this.timer = timer;
    }

    void start() {
        var _ = timer.scheduleWithFixedDelay(this::look, EVERY.toMillis(), EVERY.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void look() {
        if (closed) {
            return;
        }
        try {
            for (var container : containers.get()) {
                for (var name : FIFOS) {
                    drain(container.record().v1Work().resolve(name));
                }
            }
        } catch (RuntimeException e) {
            ShimLog.warn("could not drain the logs of the v1 shims", "error", e);
        }
    }

    /** Takes what lies in a FIFO, and does not wait. Answers how many bytes it was. */
    int drain(Path fifo) {
        if (!Files.exists(fifo, LinkOption.NOFOLLOW_LINKS)) {
            return 0;
        }
        var flags = OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK | OpenFlags.O_CLOEXEC | OpenFlags.O_NOFOLLOW;
        var total = 0;
        try (var fd = FileCalls.open(fifo, flags, 0)) {
            if (!FileCalls.fstat(fd).isFifo()) {
                return 0;
            }
            for (var n = read(fd); n > 0; n = total < MOST ? read(fd) : 0) {
                total += n;
            }
        } catch (ErrnoException e) {
            return total;
        }
        return total;
    }

    private int read(Fd fd) throws ErrnoException {
        return fd.read(buffer, 0, buffer.length);
    }

    @Override
    public void close() {
        closed = true;
    }
}
