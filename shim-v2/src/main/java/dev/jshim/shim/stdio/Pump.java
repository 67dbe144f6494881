package dev.jshim.shim.stdio;

import dev.jshim.linux.Epoll;
import dev.jshim.linux.Errno;
import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import dev.jshim.linux.Splice;
import dev.jshim.shim.stdio.KeptStreams.Keys;
import dev.jshim.task.ShimLog;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Moves bytes from one descriptor to another, inside the kernel if both are pipes.
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
        /** From a file, which is always ready, to a pipe; inside the kernel if the file's driver can. */
        FILE,
        /** To a file opened for appending, which takes no splice and never makes anybody wait; by a {@link Spool}. */
        APPEND,
        /** From or to a terminal; inside the kernel from 5.11 on. */
        TERMINAL,
        /** From or to a device that takes no splice. What is in our hands is lost if this JVM dies then. */
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

        /** That of a read: -1 at the end, 0 if there is nothing yet. */
        static Step of(int count) {
            return count > 0 ? MOVED : count == 0 ? WAIT : END;
        }
    }

    /** Room for one move. The loop has it, once for all pumps, since none leaves anything in it. */
    static final int SCRATCH = 32 * 1024;

    private static final int READ = OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK | OpenFlags.O_CLOEXEC;
    private static final int AT_ONCE = 1 << 20;
    private static final int PAGE = 4096;
    /** What a pipe holds unless somebody changes that. */
    private static final int CAPACITY = 64 * 1024;
    /** What a process's pipe holds once its client does not keep up: as much as two pipes. */
    private static final int ROOMY = 2 * CAPACITY;
    /** Moves at one turn, after which the other pumps have theirs. */
    private static final int TURN = 64;

    private static final byte[] NOTHING = {};

    private final PumpLoop loop;
    private final KeptStreams kept;
    private volatile Fd source;
    private final @Nullable Fd sink;
    private final @Nullable Spool spool;
    private final From from;
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    private Mode mode;
    private long key = -1;
    private boolean registered;
    private boolean hasLetGo;
    private boolean failing;
    private boolean isRoomy;
    /** What has been read and not been written yet. */
    private volatile byte[] rest = NOTHING;

    /**
     * @param sink null for one that discards
     * @param spool for one that appends
     */
    Pump(PumpLoop loop, KeptStreams kept, Fd source, @Nullable Fd sink, @Nullable Spool spool, Mode mode, From from) {
        this.loop = loop;
        this.kept = kept;
        this.source = source;
        this.sink = sink;
        this.spool = spool;
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

    /**
     * Of a FIFO that was opened for both: the writing end is given up, so that the end of the client is seen. Completes
     * when that is done.
     */
    CompletableFuture<Void> letGo() {
        return loop.letGo(this);
    }

    /** The reading end alone of a FIFO that is open for both; held in its place, which is not closed yet. */
    static Fd readingEnd(Fd both, KeptStreams kept) throws ErrnoException {
        // By its number: the client may have taken its name away.
        var reader = FileCalls.open(Path.of("/proc/self/fd/" + both.number()), READ, 0);
        kept.keep(Keys.STDIN + Keys.READER, reader);
        return reader;
    }

    /** Answers false if it is to be ended at once. */
    boolean keepReadingEnd(Epoll epoll) {
        if (hasLetGo) {
            return true;
        }
        hasLetGo = true;
        try {
            var reader = readingEnd(source, kept);
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
            case FILE -> spliceOrCopy(AT_ONCE);
            case TERMINAL -> from == From.TERMINAL ? spliceTerminal() : spliceOrCopy(AT_ONCE);
            case APPEND -> append();
            case COPY -> copy();
            case DISCARD -> Step.of(source.tryRead(loop.scratch()));
        };
    }

    private Step splicePipe() throws ErrnoException {
        var step = splice(AT_ONCE);
        return step == Step.WAIT && FileCalls.unread(source) > 0 ? awaitRoom() : step;
    }

    private Step splice(int most) throws ErrnoException {
        var moved = Splice.trySplice(source, sink(), most);
        return moved == Splice.WOULD_BLOCK ? Step.WAIT : moved == 0 ? Step.END : Step.MOVED;
    }

    /**
     * A pipe has 16 slots. What is spliced keeps its own, however small it is, so 16 lines fill a FIFO that nobody
     * reads; what a process writes joins the last one. So it is the process's pipe that gets the room that is missing
     * in the FIFO. At its end the FIFO gets the slots that it needs, if it would hold all those bytes: what is in it
     * stays there for a client that comes late.
     */
    private Step awaitRoom() throws ErrnoException {
        if (!isRoomy && from == From.PROCESS) {
            isRoomy = true;
            enlarge(source, ROOMY);
        }
        if (FileCalls.hasWriter(source)
                || FileCalls.unread(source) + FileCalls.unread(sink()) > FileCalls.pipeCapacity(sink())) {
            return Step.WAIT;
        }
        return addSlots() ? Step.MOVED : Step.WAIT;
    }

    private boolean addSlots() throws ErrnoException {
        return enlarge(sink(), FileCalls.pipeCapacity(sink()) + FileCalls.pipeCapacity(source));
    }

    /** Answers whether the kernel allows it: it has limits, of what one pipe has and of what a user has in all. */
    private static boolean enlarge(Fd pipe, int bytes) {
        try {
            return FileCalls.setPipeCapacity(pipe, bytes) >= bytes;
        } catch (ErrnoException e) {
            ShimLog.debug("cannot enlarge a pipe", "error", e.getMessage());
            return false;
        }
    }

    /** What a process has written is given to its client before the pump is cut, as far as there is room. */
    private void moveLast() {
        try {
            if (splice(AT_ONCE) == Step.WAIT && FileCalls.unread(source) > 0 && addSlots()) {
                var _ = splice(AT_ONCE);
            }
        } catch (ErrnoException e) {
            ShimLog.debug("output is lost", "error", e.getMessage());
        }
    }

    private Step spliceOrCopy(int most) throws ErrnoException {
        try {
            return splice(most);
        } catch (ErrnoException e) {
            if (e.errno() != Errno.EINVAL) {
                throw e;
            }
            mode = Mode.COPY; // Not every driver can.
            return Step.MOVED;
        }
    }

    /** Each read takes a slot, and a terminal itself holds little: the FIFO gets slots until it has as many bytes. */
    private Step spliceTerminal() throws ErrnoException {
        var step = spliceOrCopy(PAGE); // A terminal gives no more at a time.
        if (step != Step.WAIT || FileCalls.hasRoom(sink()) || FileCalls.unread(sink()) >= CAPACITY) {
            return step;
        }
        return enlarge(sink(), 2 * FileCalls.pipeCapacity(sink())) ? Step.MOVED : Step.WAIT;
    }

    private Step append() throws ErrnoException {
        var through = Objects.requireNonNull(spool);
        if (!through.isEmpty()) { // when it is restored
            write(through);
        }
        var taken = through.take(source);
        write(through);
        return taken == Splice.WOULD_BLOCK ? Step.WAIT : taken == 0 ? Step.END : Step.MOVED;
    }

    private Step copy() throws ErrnoException {
        var count = source.tryRead(loop.scratch(), 0, PAGE);
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
    private void write(Spool from) {
        try {
            from.writeTo(sink());
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
        if (mode == Mode.SPLICE) {
            moveLast();
        }
        kept.keep(Keys.DISCARDED, source);
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
        if (spool != null) {
            spool.close();
        }
    }

    private static void forget(Epoll epoll, Fd fd) {
        try {
            epoll.remove(fd);
        } catch (ErrnoException e) {
            ShimLog.debug("descriptor was not watched", "error", e.getMessage());
        }
    }
}
