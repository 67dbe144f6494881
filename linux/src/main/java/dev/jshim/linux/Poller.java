package dev.jshim.linux;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The one thread of a process that waits in the kernel for all {@link ReadyFd}s. It costs nothing while there is none.
 */
final class Poller {
    private static final Object LOCK = new Object();

    @GuardedBy("LOCK")
    private static @Nullable Poller shared;

    private final Epoll epoll = new Epoll();
    private final Map<Long, IntConsumer> watched = new ConcurrentHashMap<>();
    private final AtomicLong keys = new AtomicLong();

    private Poller() throws ErrnoException {}

    /** The process's own, started by its first use. */
    static Poller shared() throws ErrnoException {
        synchronized (LOCK) {
            var poller = shared;
            if (poller == null) {
                poller = new Poller();
                Thread.ofPlatform().daemon().name("poller").start(poller::run);
                shared = poller;
            }
            return poller;
        }
    }

    /**
     * Knows a descriptor from now on; answers its key.
     *
     * @param ready gets the events that have come, in the thread of this; must not block
     */
    long add(Fd fd, IntConsumer ready) throws ErrnoException {
        var key = keys.incrementAndGet();
        watched.put(key, ready);
        try {
            epoll.add(fd, Epoll.ONESHOT, key);
        } catch (ErrnoException e) {
            watched.remove(key);
            throw e;
        }
        return key;
    }

    /** Reports once, when one of the events comes. */
    void watch(Fd fd, int events, long key) throws ErrnoException {
        epoll.modify(fd, events | Epoll.ONESHOT, key);
    }

    void remove(Fd fd, long key) {
        watched.remove(key);
        try {
            epoll.remove(fd);
        } catch (ErrnoException e) {
            // It is about to be closed in any case.
        }
    }

    private void run() {
        List<Epoll.Event> events = new ArrayList<>();
        while (true) {
            try {
                epoll.await(events, -1);
            } catch (ErrnoException e) {
                throw new AssertionError("epoll failed", e);
            }
            for (var event : events) {
                var ready = watched.get(event.data());
                if (ready != null) {
                    ready.accept(event.events());
                }
            }
        }
    }
}
