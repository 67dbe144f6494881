package dev.jshim.bridge.serve;

import dev.jshim.linux.Epoll;
import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import dev.jshim.task.ShimLog;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Empties the log FIFOs of the v1 shims. A shim that logs more than a pipe holds, 64 KiB, blocks forever when nobody
 * reads; the v1 daemon was the reader (containerd v1.6.20, runtime/v1/shim/client/client.go).
 *
 * <p>Looks at them every few seconds and takes what lies there, and at once where one begins to fill. A daemon of 1.x
 * that still runs waits for each line and takes it at once, so what is found here is what nobody else wants.
 */
final class LogDrain implements AutoCloseable {
    private static final Duration EVERY = Duration.ofSeconds(10);
    /** What lies in a FIFO when it begins to fill: a quarter of what it holds. */
    private static final int MUCH = 16 << 10;

    private static final List<String> FIFOS = List.of("shim.stdout.log", "shim.stderr.log");
    /** A look takes at most this much of one FIFO: one that is written faster has its shim blocked now and then. */
    private static final int MOST = 1 << 20;

    private final Supplier<Collection<Path>> works;
    private final ScheduledExecutorService timer;
    private final byte[] buffer = new byte[64 << 10];
    private final Map<Path, Held> held = new HashMap<>();
    private long lastKey;
    private @Nullable Epoll epoll;
    private volatile boolean closed;

    /** A FIFO that is watched. */
    private record Held(Path path, Fd fd, long key) {}

    /** @param works the work directories of the v1 shims that there are now */
    LogDrain(Supplier<Collection<Path>> works, ScheduledExecutorService timer) {
        this.works = works;
        this.timer = timer;
    }

    void start() {
        look();
        var _ = timer.scheduleWithFixedDelay(this::look, EVERY.toMillis(), EVERY.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Takes what lies in all of them, and begins and ends watches as containers come and go. */
    private synchronized void look() {
        if (closed) {
            return;
        }
        try {
            Set<Path> wanted = new HashSet<>();
            for (var work : works.get()) {
                for (var name : FIFOS) {
                    var fifo = work.resolve(name);
                    wanted.add(fifo);
                    var open = held.containsKey(fifo) ? held.get(fifo) : hold(fifo);
                    if (open != null) {
                        drain(open.fd());
                    }
                }
            }
            held.values().removeIf(open -> !wanted.contains(open.path()) && isReleased(open));
        } catch (RuntimeException e) {
            ShimLog.warn("could not drain the logs of the v1 shims", "error", e);
        }
    }

    /** Opens a FIFO and watches it; null where it is none, or not there. */
    private @Nullable Held hold(Path fifo) {
        if (!Files.exists(fifo, LinkOption.NOFOLLOW_LINKS)) {
            return null;
        }
        var flags = OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK | OpenFlags.O_CLOEXEC | OpenFlags.O_NOFOLLOW;
        try {
            var fd = FileCalls.open(fifo, flags, 0);
            try {
                if (FileCalls.fstat(fd).isFifo()) {
                    var fresh = new Held(fifo, fd, ++lastKey);
                    loop().add(fd, Epoll.IN | Epoll.EDGE_TRIGGERED, fresh.key());
                    held.put(fifo, fresh);
                    return fresh;
                }
            } catch (ErrnoException e) {
                ShimLog.warn("cannot watch a log of a v1 shim", "path", fifo, "error", e);
            }
            fd.close();
        } catch (ErrnoException e) {
            ShimLog.warn("cannot open a log of a v1 shim", "path", fifo, "error", e);
        }
        return null;
    }

    /** Always; the end of a descriptor's only number is the end of its watch. */
    private static boolean isReleased(Held gone) {
        gone.fd().close();
        return true;
    }

    private Epoll loop() throws ErrnoException {
        var loop = epoll;
        if (loop == null) {
            loop = new Epoll();
            epoll = loop;
            var started = loop;
            Thread.ofPlatform().name("v1-logs").daemon().start(() -> run(started));
        }
        return loop;
    }

    /** Edge-triggered: each write of a shim is told once, and costs nothing more as long as little lies there. */
    private void run(Epoll loop) {
        List<Epoll.Event> events = new ArrayList<>();
        while (!closed) {
            try {
                loop.await(events, -1);
                for (var event : events) {
                    written(event.data());
                }
            } catch (ErrnoException | RuntimeException e) {
                ShimLog.error("the logs of the v1 shims are read less often", "error", e);
                return;
            }
        }
    }

    private synchronized void written(long key) throws ErrnoException {
        for (var open : held.values()) {
            if (open.key() == key && FileCalls.unread(open.fd()) >= MUCH) {
                drain(open.fd());
            }
        }
    }

    /** Takes what lies in a FIFO, and does not wait. */
    private void drain(Fd fd) {
        try {
            var total = 0;
            for (var n = 1; n > 0 && total < MOST; total += n) {
                n = fd.read(buffer, 0, buffer.length);
            }
        } catch (ErrnoException e) {
            // EAGAIN: it is empty.
        }
    }

    /** How many FIFOs are watched. */
    synchronized int watched() {
        return held.size();
    }

    @Override
    public synchronized void close() {
        closed = true;
        held.values().removeIf(LogDrain::isReleased);
        // The loop's own descriptor stays with its thread, which sleeps in it until the process ends.
    }
}
