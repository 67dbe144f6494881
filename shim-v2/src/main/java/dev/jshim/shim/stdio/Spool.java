package dev.jshim.shim.stdio;

import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import dev.jshim.linux.Splice;
import dev.jshim.shim.stdio.KeptStreams.Keys;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * What has been taken from a process's pipe and is not in its file yet: a file in memory, so that a JVM that dies takes
 * nothing along. Used by one thread.
 *
 * <p>A file that is opened for appending takes no splice(2), and between read(2) and write(2) bytes are in nobody's
 * hands. Here the kernel moves them from the pipe to the end of this file; they are written from there, and count as
 * written when the reading position is behind them. Both positions are the kernel's: that of an open file each. Before
 * each write there is a note of how long the file is. A JVM that finds the note and the reading position where it was
 * then looks into the file: the write was done if the bytes are there.
 *
 * <p>The page at its head is for the note.
 */
final class Spool implements AutoCloseable {
    private static final int HEAD = 4096;
    private static final int MOST = 64 * 1024;
    /** Where it begins at the head again, so that the memory is used again, once all is written. */
    private static final int LONG = HEAD + 2 * MOST;

    private static final long NOTHING = -1;

    /** Its position is the end of what was taken. */
    private final Fd in;
    /** Its position is the end of what was written. */
    private final Fd out;

    private long taken;
    private long written;

    private Spool(Fd in, Fd out) throws ErrnoException {
        this.in = in;
        this.out = out;
        taken = in.position();
        written = out.position();
    }

    /** @param stream what its keys begin with */
    static Spool open(KeptStreams kept, String stream) throws ErrnoException {
        var in = FileCalls.memoryFile("jshim-spool");
        try {
            var out = FileCalls.open(Path.of("/proc/self/fd/" + in.number()), OpenFlags.O_RDONLY, 0);
            in.setPosition(HEAD);
            out.setPosition(HEAD);
            kept.keep(stream + Keys.SPOOL_IN, in);
            kept.keep(stream + Keys.SPOOL_OUT, out);
            return new Spool(in, out);
        } catch (ErrnoException e) {
            in.close();
            throw e;
        }
    }

    /**
     * That of a JVM before this one, or a new one.
     *
     * @param left what was kept, from which it is taken
     * @param file what it is written to
     */
    static Spool restore(KeptStreams kept, String stream, Map<String, Fd> left, Fd file) throws ErrnoException {
        var in = left.get(stream + Keys.SPOOL_IN);
        var out = left.get(stream + Keys.SPOOL_OUT);
        if (in == null || out == null) {
            return open(kept, stream); // It was just being made.
        }
        left.keySet().removeAll(List.of(stream + Keys.SPOOL_IN, stream + Keys.SPOOL_OUT));
        var spool = new Spool(in, out);
        spool.settle(file);
        return spool;
    }

    List<Fd> descriptors() {
        return List.of(in, out);
    }

    boolean isEmpty() {
        return written >= taken;
    }

    /** Takes what there is, as {@link Splice#trySplice}. */
    long take(Fd pipe) throws ErrnoException {
        if (isEmpty() && taken >= LONG) {
            rewind();
        }
        var count = Splice.trySplice(pipe, in, MOST);
        taken += Math.max(0, count);
        return count;
    }

    /** Writes all to a file. What that does not take is lost, and none of it is left here. */
    void writeTo(Fd file) throws ErrnoException {
        try {
            while (!isEmpty()) {
                note(written, FileCalls.fstat(file).size());
                advance(FileCalls.copy(out, written, (int) (taken - written), file));
            }
        } catch (ErrnoException e) {
            advance(taken - written);
            throw e;
        }
    }

    private void rewind() throws ErrnoException {
        // A position is not to come again as long as there is a note of it.
        note(NOTHING, 0);
        taken = HEAD;
        written = HEAD;
        in.setPosition(HEAD);
        out.setPosition(HEAD);
    }

    /** That what comes after that position is about to be written at that offset of the file. */
    private void note(long position, long size) throws ErrnoException {
        var note = ByteBuffer.allocate(2 * Long.BYTES).putLong(position).putLong(size);
        var _ = in.writeAt(0, note.array());
    }

    private void advance(long count) throws ErrnoException {
        written += count;
        out.setPosition(written);
    }

    /** Finds out how much of the last write was done. */
    private void settle(Fd file) throws ErrnoException {
        var note = new byte[2 * Long.BYTES];
        if (isEmpty()) {
            rewind(); // This may be half done.
            return;
        }
        if (out.readAt(0, note, note.length) < note.length) {
            return;
        }
        var noted = ByteBuffer.wrap(note);
        if (noted.getLong() != written) {
            return; // What is here now was not being written yet.
        }
        var at = noted.getLong();
        try (var reader = FileCalls.open(Path.of("/proc/self/fd/" + file.number()), OpenFlags.O_RDONLY, 0)) {
            var most = (int) Math.min(taken - written, MOST);
            var found = new byte[most];
            var count = Math.max(0, reader.readAt(at, found, most));
            var wanted = new byte[most];
            if (count > 0 && out.readAt(written, wanted, count) == count && Arrays.equals(found, wanted)) {
                advance(count);
            }
        }
    }

    @Override
    public void close() {
        in.close();
        out.close();
    }
}
