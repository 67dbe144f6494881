package dev.jshim.shim.cgroup;

import dev.jshim.linux.Epoll;
import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.EventFd;
import dev.jshim.linux.Inotify;
import dev.jshim.task.ShimLog;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Watches for processes that the kernel kills for want of memory, for all containers of a shim. Thread-safe. One
 * thread, which begins with the first container.
 *
 * <p>cgroup v1: an eventfd on {@code memory.oom_control}, one for each container. The kernel signals it before it kills
 * and also when the cgroup goes, so that only the counter decides. cgroup v2: one inotify instance for all
 * {@code memory.events}. Mirrors containerd's pkg/oom/v1/v1.go and v2/v2.go (v2.1.4), which publish each signal on v1.
 */
public final class OomWatch {
    private static final long INOTIFY = 0;
    private static final int RECHECK_MILLIS = 5;

    private final Map<Long, OomListener> byKey = new HashMap<>();
    private long lastKey = INOTIFY;
    private @Nullable Epoll epoll;
    private @Nullable Inotify inotify;

    /**
     * Prepares the watch of a container: what is counted from now on will be reported, but not before
     * {@link OomListener#begin}. The caller closes it.
     *
     * @param told called once for each out-of-memory kill, or once for several that came together; it must not block
     * @throws IOException if the cgroup has no memory controller, or the kernel refuses
     */
    public OomListener open(Cgroup cgroup, Runnable told) throws IOException {
        // No switch over the types: it is linked again in every shim (docs/adr/0002-aot-cache.md).
        return cgroup instanceof Cgroup1 v1 ? open1(v1, told) : open2((Cgroup2) cgroup, told);
    }

    /**
     * How many processes the kernel has killed in a cgroup for want of memory; -1 if that is not counted or cannot be
     * read.
     */
    public static long kills(Cgroup cgroup) {
        try {
            var file = counter(cgroup);
            var reading = file == null ? null : file.read();
            return reading == null ? -1 : reading.kills();
        } catch (IOException e) {
            return -1;
        }
    }

    private static @Nullable OomCounter counter(Cgroup cgroup) {
        return switch (cgroup) {
            case Cgroup1 v1 -> {
                var directory = v1.memory();
                yield directory == null ? null : new OomCounter(directory.resolve("memory.oom_control"));
            }
            case Cgroup2 v2 -> new OomCounter(v2.memoryEvents());
        };
    }

    private OomListener open1(Cgroup1 cgroup, Runnable told) throws IOException {
        var directory = cgroup.memory();
        if (directory == null) {
            throw new IOException("the cgroup has no memory controller");
        }
        var listener = new OomListener(this, new OomCounter(directory.resolve("memory.oom_control")), told);
        var signal = new EventFd();
        try {
            OomRegistration.register(directory, signal);
            listener.signal = signal;
            add(listener);
            return listener;
        } catch (IOException | RuntimeException e) {
            signal.close();
            throw e;
        }
    }

    private OomListener open2(Cgroup2 cgroup, Runnable told) throws IOException {
        var listener = new OomListener(this, new OomCounter(cgroup.memoryEvents()), told);
        add(listener);
        return listener;
    }

    private synchronized void add(OomListener listener) throws IOException {
        var loop = loop();
        listener.key = ++lastKey;
        var signal = listener.signal;
        if (signal != null) {
            loop.add(signal.fd(), Epoll.IN, listener.key);
        } else {
            listener.watch = inotify(loop).add(listener.counter().file(), Inotify.MODIFY);
        }
        byKey.put(listener.key, listener);
    }

    private Epoll loop() throws ErrnoException {
        var loop = epoll;
        if (loop == null) {
            loop = new Epoll();
            var started = loop;
            try {
                Thread.ofPlatform().name("oom").daemon().start(() -> run(started));
            } catch (OutOfMemoryError e) {
                started.close(); // The next container tries again.
                throw e;
            }
            epoll = loop;
        }
        return loop;
    }

    private Inotify inotify(Epoll loop) throws ErrnoException {
        var watches = inotify;
        if (watches == null) {
            watches = new Inotify();
            loop.add(watches.fd(), Epoll.IN, INOTIFY);
            inotify = watches;
        }
        return watches;
    }

    /** Ends a watch and frees what it held; called by the listener. */
    synchronized void remove(OomListener listener) throws ErrnoException {
        byKey.remove(listener.key);
        var signal = listener.signal;
        if (signal != null && epoll != null) {
            epoll.remove(signal.fd());
        } else if (inotify != null && byKey.values().stream().noneMatch(other -> other.watch == listener.watch)) {
            inotify.remove(listener.watch);
        }
    }

    private void run(Epoll loop) {
        List<Epoll.Event> events = new ArrayList<>();
        Set<OomListener> again = new HashSet<>();
        while (true) {
            try {
                loop.await(events, again.isEmpty() ? -1 : RECHECK_MILLIS);
                var now = again;
                again = new HashSet<>();
                for (var event : events) {
                    now.addAll(signalled(event.data()));
                }
                for (var listener : now) {
                    if (listener.signalled()) {
                        again.add(listener);
                    }
                }
            } catch (ErrnoException | RuntimeException e) {
                ShimLog.error("watching for out-of-memory kills failed", "error", e);
                return;
            }
        }
    }

    private synchronized List<OomListener> signalled(long key) throws ErrnoException {
        if (key == INOTIFY && inotify != null) {
            Set<Integer> changed = new HashSet<>();
            inotify.read(changed);
            var all = changed.contains(Inotify.OVERFLOW);
            return byKey.values().stream()
                    .filter(listener -> listener.signal == null && (all || changed.contains(listener.watch)))
                    .toList();
        }
        var listener = byKey.get(key);
        return listener == null ? List.of() : List.of(listener);
    }
}
