package dev.jshim.shim.stdio;

import dev.jshim.linux.Epoll;
import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.EventFd;
import dev.jshim.linux.Fd;
import dev.jshim.task.ShimLog;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The one thread that moves the bytes of all pumps of a shim, asleep in epoll while there are none. It starts with the
 * first pump, so that a shim that needs no copying has no such thread.
 */
public final class PumpLoop {
    private static final long WAKE = -1;

    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private final Map<Long, Pump> pumps = new HashMap<>();
    private @Nullable Epoll epoll;
    private @Nullable EventFd wake;
    private byte @Nullable [] scratch;
    private long nextKey;

    /** Moves what comes at one end to the other until the first has ended, or the pump is cut. */
    void add(Pump pump) throws ErrnoException {
        submit(() -> {
            var key = nextKey;
            nextKey += 2;
            pumps.put(key, pump);
            pump.begin(key);
            step(key, pump);
        });
    }

    /** Ends a pump at once; what it had not moved by then is lost, and what a process still writes thrown away. */
    void cut(Pump pump) {
        try {
            submit(() -> {
                if (pumps.get(pump.key()) == pump && !pump.drop(epoll())) {
                    end(pump.key(), pump);
                }
            });
        } catch (ErrnoException e) {
            ShimLog.error("cannot cut a stream", "error", e.getMessage());
        }
    }

    /** Takes the writing end away from a pump's source, which is open for both. Completes when that is done. */
    CompletableFuture<Void> letGo(Pump pump) {
        var done = new CompletableFuture<Void>();
        try {
            submit(() -> {
                try {
                    letGoNow(pump);
                } finally {
                    done.complete(null);
                }
            });
        } catch (ErrnoException e) {
            ShimLog.error("cannot end a stream", "error", e.getMessage());
            done.complete(null);
        }
        return done;
    }

    private void letGoNow(Pump pump) {
        if (pumps.get(pump.key()) != pump) {
            return;
        }
        if (pump.keepReadingEnd(epoll())) {
            step(pump.key(), pump);
        } else {
            end(pump.key(), pump);
        }
    }

    /** Gives a pump another turn after those that wait. */
    void again(Pump pump) throws ErrnoException {
        submit(() -> turn(pump));
    }

    private void turn(Pump pump) {
        if (pumps.get(pump.key()) == pump) {
            step(pump.key(), pump);
        }
    }

    private synchronized void submit(Runnable task) throws ErrnoException {
        if (epoll == null) {
            begin();
            startThread();
        }
        tasks.add(task);
        wakeUp().signal();
    }

    private synchronized void begin() throws ErrnoException {
        var watch = new Epoll();
        try {
            var wakeUp = new EventFd();
            watch.add(wakeUp.fd(), Epoll.IN, WAKE);
            wake = wakeUp;
            epoll = watch;
        } catch (ErrnoException e) {
            watch.close();
            throw e;
        }
    }

    /** The next one tries again if there is no thread to be had. */
    private synchronized void startThread() {
        try {
            Thread.ofPlatform().name("stdio").daemon().start(this::run);
        } catch (OutOfMemoryError e) {
            epoll().close();
            wakeUp().close();
            epoll = null;
            throw e;
        }
    }

    private synchronized Epoll epoll() {
        return Objects.requireNonNull(epoll);
    }

    private synchronized EventFd wakeUp() {
        return Objects.requireNonNull(wake);
    }

    private synchronized List<Runnable> takeTasks() {
        var taken = List.copyOf(tasks);
        tasks.clear();
        return taken;
    }

    private void run() {
        List<Epoll.Event> events = new ArrayList<>();
        while (true) {
            try {
                events.clear();
                epoll().await(events, -1);
                for (var event : events) {
                    guarded(() -> handle(event));
                }
            } catch (ErrnoException e) {
                ShimLog.error("stdio loop", "error", e.getMessage());
            }
        }
    }

    /** The thread serves all processes of all containers: it must not end, nor miss an event, for the sake of one. */
    private static void guarded(Runnable work) {
        try {
            work.run();
        } catch (RuntimeException | OutOfMemoryError e) {
            ShimLog.error("stdio loop", "error", e);
        }
    }

    private void handle(Epoll.Event event) {
        if (event.data() == WAKE) {
            drainWakeUp();
            takeTasks().forEach(PumpLoop::guarded);
            return;
        }
        // A pump's source has an even key, its sink the odd one after it.
        var key = event.data() & ~1L;
        var pump = pumps.get(key);
        if (pump != null) {
            step(key, pump);
        }
    }

    private void drainWakeUp() {
        try {
            var _ = wakeUp().drain();
        } catch (ErrnoException e) {
            ShimLog.error("stdio loop", "error", e.getMessage());
        }
    }

    private void step(long key, Pump pump) {
        if (!pump.move(epoll())) {
            end(key, pump);
        }
    }

    private void end(long key, Pump pump) {
        pumps.remove(key, pump);
        pump.finish(epoll());
    }

    /** For the loop's thread, and for the moment: what a pump holds back it has to copy. */
    byte[] scratch() {
        var bytes = scratch;
        if (bytes == null) {
            bytes = new byte[Pump.SCRATCH];
            scratch = bytes;
        }
        return bytes;
    }

    /** A pump over two descriptors that it takes over; started at once. Without a sink it discards. */
    Pump start(KeptStreams kept, Fd source, @Nullable Fd sink, Pump.Mode mode, Pump.From from) throws ErrnoException {
        var pump = new Pump(this, kept, source, sink, null, mode, from);
        add(pump);
        return pump;
    }

    /** A pump from a process's pipe to a file; it takes all three over. */
    Pump append(KeptStreams kept, Fd source, Fd file, Spool spool) throws ErrnoException {
        var pump = new Pump(this, kept, source, file, spool, Pump.Mode.APPEND, Pump.From.PROCESS);
        add(pump);
        return pump;
    }

    /** Takes over the reading end of a process's pipe, and throws away what comes until its end. */
    void discard(KeptStreams kept, Fd source) throws ErrnoException {
        kept.keep(KeptStreams.Keys.DISCARDED, source);
        add(new Pump(this, kept, source, null, null, Pump.Mode.DISCARD, Pump.From.PROCESS));
    }
}
