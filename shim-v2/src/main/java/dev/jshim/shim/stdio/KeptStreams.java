package dev.jshim.shim.stdio;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.jshim.linux.Fd;
import dev.jshim.shim.keeper.FdStore;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The descriptors of one process's streams that are to outlive this JVM: each is held by a store from when it is opened
 * until it is closed. The next JVM makes the streams of what it is given back, and of the keys alone: a key says which
 * stream a descriptor belongs to and what it is there. Thread-safe.
 *
 * <p>What follows another one, as the reading end of a FIFO follows both ends, is held before that is closed. In the
 * store each has a number too, a higher one than those before: what a process has left may be closed a moment after
 * another one has come under the same name.
 */
public final class KeptStreams {
    /** Holds nothing. */
    public static final KeptStreams NONE = new KeptStreams(FdStore.NONE, "");

    private static final char NUMBER = '.';
    /** From one JVM to the next one too. */
    private static final AtomicLong LAST = new AtomicLong(System.currentTimeMillis() * 1000);

    private final FdStore store;
    private final String prefix;

    @GuardedBy("this")
    private final Map<Fd, String> names = new HashMap<>();

    /** @param prefix what the names of this process's descriptors begin with in the store; a key follows at once */
    public KeptStreams(FdStore store, String prefix) {
        this.store = store;
        this.prefix = prefix;
    }

    /** Has a descriptor held until it is closed. One that was held under another key has this one from now on. */
    void keep(String key, Fd fd) {
        if (store.equals(FdStore.NONE)) {
            return;
        }
        var name = prefix + key + NUMBER + LAST.incrementAndGet();
        store.keep(name, fd);
        hold(name, fd);
    }

    private void hold(String name, Fd fd) {
        String before;
        synchronized (this) {
            before = names.put(fd, name);
        }
        if (before == null) {
            fd.whenClosed(() -> drop(fd));
        } else {
            store.drop(before);
        }
    }

    private void drop(Fd fd) {
        String name;
        synchronized (this) {
            name = names.remove(fd);
        }
        if (name != null) {
            store.drop(name);
        }
    }

    /**
     * Takes over what the store has given back, by what follows the prefix; each is dropped when it is closed. Answers
     * it by key, but for those that have the key of a newer one.
     */
    Map<String, Fd> adopt(Map<String, Fd> given) {
        Map<String, Fd> byKey = new HashMap<>();
        given.entrySet().stream()
                .sorted(Comparator.comparingLong(each -> number(each.getKey())))
                .forEach(each -> {
                    LAST.accumulateAndGet(number(each.getKey()), Math::max);
                    hold(prefix + each.getKey(), each.getValue());
                    var older = byKey.put(key(each.getKey()), each.getValue());
                    if (older != null) {
                        byKey.put(each.getKey(), older);
                    }
                });
        return byKey;
    }

    private static String key(String numbered) {
        var end = numbered.lastIndexOf(NUMBER);
        return end < 0 ? numbered : numbered.substring(0, end);
    }

    private static long number(String numbered) {
        return Long.parseLong(numbered.substring(numbered.lastIndexOf(NUMBER) + 1));
    }

    /** The parts of the keys. */
    static final class Keys {
        static final String STDIN = "stdin";
        static final String STDOUT = "stdout";
        static final String STDERR = "stderr";

        /** A client's FIFO that is open for both, so that the process sees no end while no client is there. */
        static final String BOTH = "-both";
        /** A client's FIFO, for reading only: its end is the end. */
        static final String READER = "-reader";
        /** A client's FIFO, for writing. */
        static final String WRITER = "-writer";
        /** A FIFO that the process gets as it is: until it has it. */
        static final String HANDED_OVER = "-handed-over";
        /** What lets a client go away, see {@link ClientFifo}. */
        static final String SPARE = "-spare";
        /** Only names a FIFO. */
        static final String NAME = "-name";
        /** The writing end of a FIFO in which there is only what its client has not read yet. */
        static final String UNREAD = "-unread";
        /** A file, read or appended to. */
        static final String FILE = "-file";
        /** The two of a {@link Spool}. */
        static final String SPOOL_IN = "-spool-in";

        static final String SPOOL_OUT = "-spool-out";
        /** Our end of a pipe of which the process has the other one. */
        static final String PIPE = "-pipe";
        /** The spare reading end of the pipe of a logger, whose pid and start time follow. */
        static final String LOGGER = "-logger-";
        /** What is read and thrown away; without a stream's name. */
        static final String DISCARDED = "discarded";

        private Keys() {}

        /** Whether a process that runs may still write to what is read here. */
        static boolean isWritten(String key) {
            return key.startsWith(STDOUT + PIPE) || key.startsWith(STDERR + PIPE) || key.startsWith(DISCARDED);
        }
    }
}
