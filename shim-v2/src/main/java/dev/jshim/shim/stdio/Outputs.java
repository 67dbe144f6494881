package dev.jshim.shim.stdio;

import dev.jshim.linux.Deadline;
import dev.jshim.linux.Errno;
import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import dev.jshim.shim.stdio.KeptStreams.Keys;
import dev.jshim.task.ShimLog;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** What the output of one process goes through, to be ended together. Thread-safe. */
final class Outputs {
    /** How long a client that has the stream open, and is slow, is waited for in all. */
    private static final Duration SLOW_CLIENT = Duration.ofSeconds(10);

    private static final Duration LOOK = Duration.ofMillis(50);
    private static final Duration READ_LOOK = Duration.ofMillis(2);
    private static final int PROBE = OpenFlags.O_WRONLY | OpenFlags.O_NONBLOCK | OpenFlags.O_CLOEXEC;

    /** How long a client may read nothing of what is there until it is taken for one that does not read. */
    private static final Duration NOTHING_READ = Duration.ofSeconds(1);

    /** A descriptor of a FIFO that is not used for what it carries, and the stream's name. */
    private record Spare(String stream, Fd fd) {}

    private final Duration background;
    private final KeptStreams kept;
    private final CompletableFuture<Void> read = new CompletableFuture<>();
    private final List<Spare> spares = new ArrayList<>();
    /** What clients have not read yet, when this was begun to be waited for by a JVM before this one. */
    private final List<Fd> unread = new ArrayList<>();

    private final List<Pump> pumps = new ArrayList<>();
    private @Nullable Logger logger;

    Outputs(IoSettings settings) {
        background = settings.background();
        kept = settings.kept();
    }

    /** Holds a FIFO's reading end, or what names it, until all has been moved. */
    synchronized void hold(String stream, Fd spare) {
        spares.add(new Spare(stream, spare));
    }

    /**
     * Takes what a JVM before this one had here.
     *
     * @param left what was kept, from which that is taken
     */
    synchronized void restore(IoSettings settings, Map<String, Fd> left) {
        for (var stream : List.of(Keys.STDOUT, Keys.STDERR)) {
            for (var what : List.of(Keys.SPARE, Keys.NAME)) {
                var spare = left.remove(stream + what);
                if (spare != null) {
                    hold(stream, spare);
                }
            }
            var writer = left.remove(stream + Keys.UNREAD);
            if (writer != null) {
                unread.add(writer);
            }
        }
        logger = Logger.restore(settings, left);
    }

    synchronized void add(Pump pump) {
        pumps.add(pump);
    }

    synchronized void use(Logger its) {
        logger = its;
    }

    /** To be called when the process has exited: clients see the end of its output once all has been moved. */
    void exited() {
        var _ = moved().thenRun(this::awaitRead);
    }

    /** Some clients close their ends when Delete has been answered, whatever is in them: ctr with an exec's. */
    private void awaitRead() {
        synchronized (this) {
            if (spares.stream().allMatch(Outputs::isEmpty)) {
                closeSpares();
            }
            if (spares.isEmpty() && unread.isEmpty()) {
                read.complete(null);
                return;
            }
        }
        Thread.startVirtualThread(() -> {
            try {
                takeUnread().forEach(Outputs::awaitRead);
                takeSpares().forEach(this::awaitRead);
            } finally {
                read.complete(null);
            }
        });
    }

    private static boolean isEmpty(Spare spare) {
        try {
            return FileCalls.unread(spare.fd()) == 0;
        } catch (ErrnoException e) {
            return false; // It only names the FIFO, and does not know.
        }
    }

    private synchronized List<Spare> takeSpares() {
        var taken = List.copyOf(spares);
        spares.clear();
        return taken;
    }

    private synchronized List<Fd> takeUnread() {
        var taken = List.copyOf(unread);
        unread.clear();
        return taken;
    }

    private void awaitRead(Spare spare) {
        var closed = spare.fd();
        try (closed;
                var writer = FileCalls.open(path(closed), PROBE, 0)) {
            kept.keep(spare.stream() + Keys.UNREAD, writer);
            closed.close();
            awaitRead(writer);
        } catch (ErrnoException e) {
            if (e.errno() != Errno.ENXIO) { // Nobody has it open any more.
                ShimLog.debug("cannot see whether a client has read all", "error", e.getMessage());
            }
        }
    }

    /** Waits until a client has read a FIFO empty, unless there is none, or one that does not read. */
    private static void awaitRead(Fd writer) {
        try (writer) {
            var begin = System.nanoTime();
            var progress = begin;
            for (int left = FileCalls.unread(writer), before = left;
                    left > 0 && FileCalls.hasReader(writer);
                    left = FileCalls.unread(writer)) {
                var now = System.nanoTime();
                progress = left < before ? now : progress;
                before = left;
                if (now - progress > NOTHING_READ.toNanos() || now - begin > SLOW_CLIENT.toNanos()) {
                    return;
                }
                LockSupport.parkNanos(READ_LOOK.toNanos());
            }
        } catch (ErrnoException e) {
            ShimLog.debug("cannot see whether a client has read all", "error", e.getMessage());
        }
    }

    private synchronized CompletableFuture<?> moved() {
        return CompletableFuture.allOf(pumps.stream().map(Pump::ended).toArray(CompletableFuture<?>[]::new));
    }

    private synchronized CompletableFuture<?> drained() {
        return logger == null ? read : CompletableFuture.allOf(read, logger.ended());
    }

    private synchronized void closeSpares() {
        spares.forEach(spare -> spare.fd().close());
        spares.clear();
    }

    /** What is left of the spares only names the FIFOs: it is no reader. */
    private synchronized void stopReading() {
        for (var spare : takeSpares()) {
            try (var closed = spare.fd()) {
                var name = FileCalls.open(path(closed), OpenFlags.O_PATH, 0);
                kept.keep(spare.stream() + Keys.NAME, name);
                hold(spare.stream(), name);
            } catch (ErrnoException e) {
                ShimLog.debug("cannot keep the name of a FIFO", "error", e.getMessage());
            }
        }
    }

    private static Path path(Fd open) {
        return Path.of("/proc/self/fd/" + open.number());
    }

    /** See {@link ProcessIo#awaitDrained}. */
    boolean awaitDrained(Duration patience) {
        var drained = drained();
        if (Logger.await(drained, patience)) {
            return true;
        }
        // If no client has the other end open the pump sees that now, and ends: nobody is waited for in vain.
        stopReading();
        var deadline = Deadline.in(SLOW_CLIENT.minus(patience));
        var _ = Logger.await(read, background.minus(patience));
        while (isHeldUp() && !deadline.isOver()) {
            var _ = Logger.await(read, LOOK);
        }
        // The last of it may have been moved just now, and its end not been seen yet.
        return Logger.await(drained, LOOK);
    }

    private synchronized boolean isHeldUp() {
        return pumps.stream().anyMatch(Pump::isHeldUp);
    }

    /**
     * Gives up what has been adopted and is of no process any more. What was left in the background, and still writes,
     * is read until its end; a logger gets SIGTERM.
     */
    static void discard(IoSettings settings, Map<String, Fd> adopted) {
        var left = new HashMap<>(adopted);
        for (var logger = Logger.restore(settings, left); logger != null; logger = Logger.restore(settings, left)) {
            Thread.startVirtualThread(logger::close);
        }
        left.forEach((key, fd) -> {
            if (Keys.isWritten(key)) {
                discard(settings, fd);
            } else {
                fd.close();
            }
        });
    }

    private static void discard(IoSettings settings, Fd source) {
        try {
            settings.loop().discard(settings.kept(), source);
        } catch (ErrnoException e) {
            source.close();
            ShimLog.warn("cannot read the rest of a process's output", "error", e.getMessage());
        }
    }

    /** Ends it at once; what was not moved yet is lost. A logger is given its time, see {@link Logger#close}. */
    void close() {
        Logger last;
        synchronized (this) {
            pumps.forEach(Pump::cut);
            closeSpares();
            takeUnread().forEach(Fd::close);
            last = logger;
        }
        read.complete(null);
        if (last != null) {
            last.close();
        }
    }
}
