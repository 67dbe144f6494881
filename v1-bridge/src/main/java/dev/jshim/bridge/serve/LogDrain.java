package dev.jshim.bridge.serve;

import dev.jshim.linux.Deadline;
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
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/**
 * Empties the log FIFOs of the v1 shims. A shim that logs more than a pipe holds, 64 KiB, blocks forever when nobody
 * reads; the v1 daemon was the reader (containerd v1.6.20, runtime/v1/shim/client/client.go). Pipes that hold more
 * would use up what the kernel allows a user (pipe(7), pipe-user-pages-soft), and the containers' root is the same one.
 *
 * <p>Looks at them every few seconds and takes what lies there, and at once where one begins to fill. A daemon of 1.x
 * that still runs waits for each line and takes it at once, so what is found here is what nobody else wants. All in one
 * thread of its own.
 */
final class LogDrain implements AutoCloseable {
    private static final Duration EVERY = Duration.ofSeconds(10);
    /** What lies in a FIFO when it begins to fill: a quarter of what it holds. */
    private static final int MUCH = 16 << 10;

    private static final List<String> FIFOS = List.of("shim.stdout.log", "shim.stderr.log");
    /** A look takes at most this much of one FIFO: one that is written faster has its shim blocked now and then. */
    private static final int MOST = 1 << 20;

    private static final int FLAGS =
            OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK | OpenFlags.O_CLOEXEC | OpenFlags.O_NOFOLLOW;

    private final Supplier<Collection<Path>> works;
    private final byte[] buffer = new byte[64 << 10];
    private volatile boolean closed;

    /** @param works the work directories of the v1 shims that there are now */
    LogDrain(Supplier<Collection<Path>> works) {
        this.works = works;
    }

    void start() {
        Thread.ofPlatform().name("v1-logs").daemon().start(this::run);
    }

    private void run() {
        List<Fd> fifos = List.of();
        while (!closed) {
            try {
                // Before those of the last look are closed: a log always has a reader.
                var fresh = openAll();
                fifos.forEach(Fd::close);
                fifos = fresh;
                try (var epoll = new Epoll()) {
                    emptyUntilTheNextLook(fifos, epoll);
                }
            } catch (ErrnoException | RuntimeException e) {
                ShimLog.warn("the logs of the v1 shims are read less often", "error", e);
                LockSupport.parkNanos(EVERY.toNanos());
            }
        }
        fifos.forEach(Fd::close);
    }

    /** Opens all of them, and takes what lies there. */
    private List<Fd> openAll() {
        List<Fd> fifos = new ArrayList<>();
        for (var work : works.get()) {
            for (var name : FIFOS) {
                var fifo = work.resolve(name);
                try {
                    if (Files.exists(fifo, LinkOption.NOFOLLOW_LINKS)
                            && FileCalls.lstat(fifo).isFifo()) {
                        var open = FileCalls.open(fifo, FLAGS, 0);
                        fifos.add(open);
                        drain(open);
                    }
                } catch (ErrnoException e) {
                    ShimLog.warn("cannot read a log of a v1 shim", "path", fifo, "error", e);
                }
            }
        }
        return fifos;
    }

    private void emptyUntilTheNextLook(List<Fd> fifos, Epoll epoll) throws ErrnoException {
        for (var i = 0; i < fifos.size(); i++) {
            // Each write of a shim is reported once, and costs nothing more as long as little lies there.
            epoll.add(fifos.get(i), Epoll.IN | Epoll.EDGE_TRIGGERED, i);
        }
        List<Epoll.Event> events = new ArrayList<>();
        for (var next = Deadline.in(EVERY); !closed && !next.isOver(); ) {
            epoll.await(events, (int) next.left().toMillis() + 1);
            for (var event : events) {
                var fd = fifos.get((int) event.data());
                if (FileCalls.unread(fd) >= MUCH) {
                    drain(fd);
                }
            }
        }
    }

    /** Takes what lies in a FIFO, and does not wait. */
    private void drain(Fd fd) throws ErrnoException {
        var total = 0;
        for (var n = 1; n > 0 && total < MOST; total += n) {
            n = fd.tryRead(buffer);
        }
    }

    /** Its thread ends by the next look. */
    @Override
    public void close() {
        closed = true;
    }
}
