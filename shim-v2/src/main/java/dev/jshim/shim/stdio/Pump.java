package dev.jshim.shim.stdio;

import dev.jshim.linux.Epoll;
import dev.jshim.linux.Errno;
import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import dev.jshim.linux.Splice;
import dev.jshim.shim.log.ShimLog;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Moves bytes from one descriptor to another, inside the kernel where both are pipes.
 *
 * <p>All but {@link #cut}, {@link #ended} and {@link #isHeldUp} belongs to the thread of the {@link PumpLoop}. A pump
 * has both descriptors registered once, edge-triggered: each event, of either end, is a reason to move what can be
 * moved.
 */
public final class Pump {
    /** How bytes get from one end to the other. */
    enum Mode {
        /** Pipe to pipe, inside the kernel. */
        SPLICE,
        /** From a file, which is always ready, to a pipe; inside the kernel where the file's driver can. */
        FILE,
        /** To a file opened for appending, which takes no splice and never makes anybody wait. */
        APPEND,
        /** From or to a terminal, which takes no splice either. */
        COPY,
        /** To nowhere. */
        DISCARD
    }

    /** Where the bytes come from. */
    enum From {
        /** A client. */
        CLIENT,
        /**
         * The pipe that a process writes to. Once the sink is closed, or takes no more, what still comes is read and
         * thrown away until its end: a process is not to die of SIGPIPE because its client has gone.
         */
        PROCESS,
        /** A terminal's master, whose end is the end. */
        TERMINAL
    }

    /** What came of one move. */
    private enum Step {
        MOVED,
        /** Until one of the two ends changes. */
        WAIT,
        END;

        /** That of a read: -1 at the end, 0 where there is nothing yet. */
        static Step of(int count) {
            return count > 0 ? MOVED : count == 0 ? WAIT : END;
        }
    }

    /** Room for one move. The loop has it, once for all pumps, since none leaves anything in it. */
    static final int SCRATCH = 32 * 1024;

    private static final int READ = OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK | OpenFlags.O_CLOEXEC;
    private static final int AT_ONCE = 1 << 20;
    private static final int PAGE = 4096;
    /** Less than this is written where the sink holds something already, see {@link #splicePipe}. */
    private static final int SMALL = 4 * PAGE;
    /** Moves at one turn, after which the other pumps have theirs. */
    private static final int TURN = 64;

    private static final byte[] NOTHING = {};

    private final PumpLoop loop;
    private volatile Fd source;
    private final @Nullable Fd sink;
    private final From from;
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    private Mode mode;
    private long key = -1;
    private boolean registered;
    private boolean hasLetGo;
    private boolean failing;
    /** What has been read and not been written yet. */
    private volatile byte[] rest = NOTHING;

    /** @param sink null for one that discards */
    Pump(PumpLoop loop, Fd source, @Nullable Fd sink, Mode mode, From from) {
        this.loop = loop;
        this.source = source;
        this.sink = sink;
        this.mode = mode;
        this.from = from;
    }

    /** Completes when all has been moved, or the pump was cut; the sink is closed by then. */
    public CompletableFuture<Void> ended() {
        return ended;
    }

    /** Ends it at once; what a process still writes is thrown away from now on. */
    public void cut() {
        loop.cut(this);
    }

    /** Of a FIFO that was opened for both: the writing end is given up, so that the end of the client is seen. */
    void letGo() {
        loop.letGo(this);
    }

    /** Answers false where it is to be ended at once. */
    boolean keepReadingEnd(Epoll epoll) {
        if (hasLetGo) {
            return true;
        }
        hasLetGo = true;
        try {
            // By its number: the client may have taken its name away.
            var reader = FileCalls.open(Path.of("/proc/self/fd/" + source.number()), READ, 0);
            epoll.remove(source);
            source.close();
            source = reader;
            epoll.add(source, Epoll.IN | Epoll.EDGE_TRIGGERED, key);
            return true;
        } catch (ErrnoException e) {
            ShimLog.warn("an input ends early", "error", e.getMessage());
            return false;
        }
    }

    /** Whether there is something to be moved, which the other end does not take. From any thread. */
    boolean isHeldUp() {
        try {
            return !ended.isDone() && (rest.length > 0 || FileCalls.unread(source) > 0);
        } catch (ErrnoException e) {
            return false; // It has just been closed.
        }
    }

    long key() {
        return key;
    }

    void begin(long newKey) {
        key = newKey;
    }

    /** Moves what can be moved now. Answers false when there will never be more. */
    boolean move(Epoll epoll) {
        try {
            register(epoll);
            for (var i = 0; i < TURN; i++) {
                var step = step();
                if (step != Step.MOVED) {
                    return step == Step.WAIT;
                }
            }
            loop.again(this);
            return true;
        } catch (ErrnoException e) {
            // EIO is how a terminal's master says that nobody has the other side open any more.
            if (e.errno() != Errno.EPIPE && e.errno() != Errno.EIO) {
                ShimLog.warn("a stream ended early", "error", e.getMessage());
            }
            return drop(epoll);
        }
    }

    private void register(Epoll epoll) throws ErrnoException {
        if (registered) {
            return;
        }
        source.setNonBlocking(true);
        try {
            epoll.add(source, Epoll.IN | Epoll.EDGE_TRIGGERED, key);
        } catch (ErrnoException e) {
            if (mode != Mode.FILE || e.errno() != Errno.EPERM) {
                throw e;
            }
        }
        if (sink != null && mode != Mode.APPEND) {
            sink.setNonBlocking(true);
            epoll.add(sink, Epoll.OUT | Epoll.EDGE_TRIGGERED, key + 1);
        }
        registered = true;
    }

    private Step step() throws ErrnoException {
        if (rest.length > 0) {
            return passOn(rest, rest.length);
        }
        return switch (mode) {
            case SPLICE -> splicePipe();
            case FILE -> spliceFile();
            case APPEND -> append();
            case COPY -> copy(PAGE); // A terminal gives no more at a time.
            case DISCARD -> Step.of(source.tryRead(loop.scratch()));
        };
    }

    /**
     * A pipe has 16 slots. What is spliced keeps its own, however small it is, so 16 lines would fill a FIFO that
     * nobody reads; what is written joins the last one. Small pieces are therefore written where the sink's reader does
     * not keep up. Never more than there is room for, so that nothing is left in our hands.
     */
    private Step splicePipe() throws ErrnoException {
        var waiting = FileCalls.unread(source);
        if (waiting == 0 || waiting >= SMALL || FileCalls.unread(sink()) == 0) {
            return splice();
        }
        // The odd bytes first, as write(2) does it: whole pages after them fill a slot each.
        var odd = waiting % PAGE;
        return FileCalls.hasRoom(sink()) ? copy(odd == 0 ? PAGE : odd) : Step.WAIT;
    }

    private Step splice() throws ErrnoException {
        var moved = Splice.trySplice(source, sink(), AT_ONCE);
        return moved == Splice.WOULD_BLOCK ? Step.WAIT : moved == 0 ? Step.END : Step.MOVED;
    }

    private Step spliceFile() throws ErrnoException {
        try {
            return splice();
        } catch (ErrnoException e) {
            if (e.errno() != Errno.EINVAL) {
                throw e;
            }
            mode = Mode.COPY; // Not every driver can.
            return Step.MOVED;
        }
    }

    private Step append() throws ErrnoException {
        var count = source.tryRead(loop.scratch());
        if (count > 0) {
            write(loop.scratch(), count);
        }
        return Step.of(count);
    }

    private Step copy(int most) throws ErrnoException {
        var count = source.tryRead(loop.scratch(), 0, most);
        return count > 0 ? passOn(loop.scratch(), count) : Step.of(count);
    }

    /** What the sink does not take is kept, and is the first that it gets. */
    private Step passOn(byte[] bytes, int length) throws ErrnoException {
        var done = 0;
        try {
            while (done < length) {
                done += sink().write(bytes, done, length - done);
            }
            rest = NOTHING;
            return Step.MOVED;
        } catch (ErrnoException e) {
            if (e.errno() != Errno.EAGAIN) {
                throw e;
            }
            rest = Arrays.copyOfRange(bytes, done, length);
            return Step.WAIT;
        }
    }

    private Fd sink() {
        return Objects.requireNonNull(sink);
    }

    /** What a full disk does not take is lost; the process that writes is not, as it would be if nobody read. */
    private void write(byte[] buffer, int count) {
        try {
            sink().writeFully(buffer, 0, count);
            failing = false;
        } catch (ErrnoException e) {
            if (!failing) {
                ShimLog.warn("output is lost", "error", e.getMessage());
            }
            failing = true;
        }
    }

    /** Gives the sink up. Answers whether the pump goes on, as one that throws away. */
    boolean drop(Epoll epoll) {
        if (from != From.PROCESS || mode == Mode.DISCARD) {
            return false;
        }
        closeSink(epoll);
        mode = Mode.DISCARD;
        rest = NOTHING;
        ended.complete(null);
        return move(epoll);
    }

    void finish(Epoll epoll) {
        if (registered && source.isOpen()) {
            forget(epoll, source);
        }
        closeSink(epoll);
        source.close();
        ended.complete(null);
    }

    private void closeSink(Epoll epoll) {
        if (sink == null || !sink.isOpen()) {
            return;
        }
        if (registered && mode != Mode.APPEND) {
            forget(epoll, sink);
        }
        sink.close();
    }

    private static void forget(Epoll epoll, Fd fd) {
        try {
            epoll.remove(fd);
        } catch (ErrnoException e) {
            ShimLog.debug("descriptor was not watched", "error", e.getMessage());
        }
    }
}
