package dev.jshim.ttrpc;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.ClosedChannelException;

/**
 * A {@link KeptChannel} of which everything that is read is noted first. A note that cannot be written, as on a full
 * disk, costs what it would have saved and nothing else. One thread reads, one writes.
 */
final class NotedChannel implements ByteChannel {
    private static final int CHUNK = 64 << 10;

    private final KeptChannel socket;
    private final CallNotes notes;
    private final CallNotes.Known before;

    private boolean dropping;
    private volatile boolean failed;

    /** Reads what was noted before. */
    NotedChannel(KeptChannel socket, CallNotes notes) throws IOException {
        this.socket = socket;
        this.notes = notes;
        before = notes.resume(socket);
    }

    KeptChannel socket() {
        return socket;
    }

    /** What a process before this one has left. */
    CallNotes.Known before() {
        return before;
    }

    /** Notes nothing that comes: it belongs to a frame that is thrown away. In the thread that reads, as below. */
    void dropping() {
        dropping = true;
    }

    /** Notes again, after the end of that frame and what has come behind it. */
    void dropped(ByteBuffer behind) {
        dropping = !note(() -> notes.dropped(behind));
    }

    /** Whether nothing is noted now: at the beginning of a frame it can be again, see {@link #dropped}. */
    boolean isDropping() {
        return dropping;
    }

    @Override
    public int read(ByteBuffer to) throws IOException {
        var piece = to.slice(to.position(), Math.min(CHUNK, to.remaining()));
        var count = socket.peek(piece);
        if (count < 0) {
            return count;
        }
        if (!dropping) {
            // A piece that is missing would put all that comes after it out of its frames.
            dropping = !note(() -> notes.received(piece.flip()));
        }
        socket.discard(count);
        to.position(to.position() + count);
        return count;
    }

    @Override
    public int write(ByteBuffer from) throws IOException {
        return socket.write(from);
    }

    /** See {@link KeptChannel#writeNow}. */
    int writeNow(ByteBuffer from) throws IOException {
        return socket.writeNow(from);
    }

    /** Notes that a call is about to be begun which a process before this one had begun. */
    void beginning(int streamId) {
        note(() -> notes.beginning(streamId));
    }

    /** Notes an answer that is about to be written. */
    void answering(byte[] frame) {
        note(() -> notes.answering(frame));
    }

    /** Notes that an answer has been written. */
    void sent(int streamId) {
        note(() -> notes.sent(streamId));
    }

    private interface Note {
        void write() throws IOException;
    }

    @CanIgnoreReturnValue
    private boolean note(Note note) {
        try {
            if (socket.isOpen()) {
                note.write();
            }
            return true;
        } catch (ClosedChannelException e) {
            return false; // The connection has just ended: nobody needs its notes.
        } catch (IOException e) {
            if (!failed && socket.isOpen()) {
                failed = true;
                Log.warn("cannot note a call: it is lost if this process dies now", e);
            }
            return false;
        }
    }

    @Override
    public boolean isOpen() {
        return socket.isOpen();
    }

    /** Ends the connection, whose notes nobody needs any more. */
    @Override
    public void close() throws IOException {
        try (socket) {
            notes.delete();
        }
    }
}
