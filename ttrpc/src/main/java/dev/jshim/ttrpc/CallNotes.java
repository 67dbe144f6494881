package dev.jshim.ttrpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What the next process has to know of a {@link KeptChannel} if this one dies: the requests that came and are not
 * answered, and the answers that may not have been sent. A file, best on tmpfs: it outlives a process, not a machine.
 *
 * <p>What comes is noted before it is taken off the socket, an answer before it is sent. So a death between two steps
 * leaves at most one doubt of each kind. Whether the last piece was taken off the socket shows on the socket itself. An
 * answer that may have been sent is sent again: a client passes over an answer to a call that it does not wait for
 * (ttrpc client.go receiveLoop, v1.2.8, and v1.0.2 alike). Thread-safe.
 *
 * <p>The file is a row of records: a type, the length of the rest in four bytes, and the rest.
 */
public final class CallNotes implements AutoCloseable {
    /** Bytes as they came. */
    private static final byte RECEIVED = 'R';
    /** All that was received so far is off the socket. */
    private static final byte TAKEN = 'T';
    /** A frame that is about to be sent. */
    private static final byte ANSWER = 'A';
    /** The stream id of an answer that has been sent. */
    private static final byte SENT = 'S';
    /** The stream id of a call that a process begins which did not receive it. */
    private static final byte AGAIN = 'B';
    /** The highest stream id that was seen. */
    private static final byte LAST = 'L';

    private static final byte[] NOTHING = {};
    private static final int HEADER = 1 + Integer.BYTES;
    private static final int COMPACT = 64 << 10;
    private static final Set<StandardOpenOption> OPTIONS =
            Set.of(StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);

    private final Path file;

    @GuardedBy("this")
    private FileChannel channel;

    @GuardedBy("this")
    private long end;

    @GuardedBy("this")
    private long compactAbove = COMPACT;

    private CallNotes(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /**
     * A request without an answer.
     *
     * @param deaths how many processes have died that had begun it, as far as was noted
     */
    record Call(Frame frame, int deaths) {}

    /**
     * What the notes say.
     *
     * @param lastId the highest stream id that was seen, unsigned
     * @param calls the requests without an answer, in the order in which they came
     * @param answers the frames of answers that may not have been sent
     * @param partial the beginning of a frame whose rest has not come yet
     * @param doubtful the last piece that was noted, if it may still be on the socket; else empty
     * @param end of the notes that can be read, in bytes
     */
    @SuppressWarnings("ArrayRecordComponent") // two are never compared
    record Known(int lastId, List<Call> calls, List<byte[]> answers, byte[] partial, byte[] doubtful, int end) {
        /** Whether the last frame was being thrown away: nobody knows how much of it is still to come. */
        boolean isLost() {
            return partial.length >= Frame.HEADER_LENGTH
                    && Integer.toUnsignedLong(ByteBuffer.wrap(partial).getInt()) > Frame.MAX_LENGTH;
        }
    }

    /**
     * The notes in that file, which is made if it is not there, for its owner alone.
     *
     * @throws IOException if the file cannot be made or read
     */
    public static CallNotes open(Path file) throws IOException {
        var mode = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
        return new CallNotes(file, FileChannel.open(file, OPTIONS, mode));
    }

    /**
     * Reads what a process before this one has noted, and makes sure that the socket and the notes agree. Once, before
     * anything else.
     */
    synchronized Known resume(KeptChannel socket) throws IOException {
        var known = parse(read());
        var doubtful = known.doubtful();
        if (doubtful.length > 0 && socket.beginsWith(doubtful)) {
            socket.discard(doubtful.length);
        }
        try {
            rewrite(known);
        } catch (IOException e) {
            // A full disk: what is there goes on being written to.
            Log.warn("cannot rewrite the notes of a connection", e);
            end = known.end();
        }
        return known;
    }

    /** Notes bytes that are still on the socket. In the thread that reads: what was noted before is off it by now. */
    synchronized void received(ByteBuffer bytes) throws IOException {
        if (end > compactAbove) {
            rewrite(parse(read()));
            compactAbove = Math.max(COMPACT, 2 * end);
        }
        append(RECEIVED, bytes);
    }

    /** Notes that the frame whose beginning was noted is thrown away, and what has come behind it. */
    synchronized void dropped(ByteBuffer behind) throws IOException {
        var known = parse(read());
        var rest = new byte[behind.remaining()];
        behind.duplicate().get(rest);
        rewrite(new Known(known.lastId(), known.calls(), known.answers(), rest, NOTHING, 0));
    }

    /** Notes an answer that is about to be sent. */
    synchronized void answering(byte[] frame) throws IOException {
        append(ANSWER, ByteBuffer.wrap(frame));
    }

    /** Notes that a call is about to be begun which a process before this one had begun. */
    synchronized void beginning(int streamId) throws IOException {
        append(AGAIN, id(streamId));
    }

    /** Notes that an answer has been sent. */
    synchronized void sent(int streamId) throws IOException {
        append(SENT, id(streamId));
    }

    @GuardedBy("this")
    private void append(byte type, ByteBuffer rest) throws IOException {
        try {
            end = append(channel, end, type, rest);
        } catch (IOException e) {
            if (channel.isOpen()) { // else the connection has ended meanwhile, and its notes with it
                // Half of a record, under the next one, would be taken for one.
                channel.truncate(end);
            }
            throw e;
        }
    }

    /** In one write: what a death, or a full disk, leaves of it is not taken for a record. */
    private static long append(FileChannel to, long at, byte type, ByteBuffer rest) throws IOException {
        var record = ByteBuffer.allocate(HEADER + rest.remaining());
        record.put(type).putInt(rest.remaining()).put(rest.duplicate()).flip();
        var size = record.remaining();
        for (var done = 0; record.hasRemaining(); ) {
            done += to.write(record, at + done);
        }
        return at + size;
    }

    @GuardedBy("this")
    private byte[] read() throws IOException {
        var all = ByteBuffer.allocate((int) channel.size());
        while (all.hasRemaining() && channel.read(all, all.position()) >= 0) {
            // The rest.
        }
        return Arrays.copyOf(all.array(), all.position());
    }

    /** Puts a new file with nothing but that in the place of the old one. */
    @GuardedBy("this")
    private void rewrite(Known known) throws IOException {
        var fresh = file.resolveSibling(file.getFileName() + ".new");
        Files.deleteIfExists(fresh);
        var mode = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
        var to = FileChannel.open(fresh, OPTIONS, mode);
        try {
            var at = append(to, 0, LAST, id(known.lastId()));
            for (var call : known.calls()) {
                at = append(to, at, RECEIVED, ByteBuffer.wrap(bytes(call.frame())));
                for (var i = 1; i < call.deaths(); i++) {
                    at = append(to, at, AGAIN, id(call.frame().streamId()));
                }
            }
            for (var answer : known.answers()) {
                at = append(to, at, ANSWER, ByteBuffer.wrap(answer));
            }
            at = append(to, at, RECEIVED, ByteBuffer.wrap(known.partial()));
            at = append(to, at, TAKEN, ByteBuffer.allocate(0));
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
            channel.close();
            channel = to;
            end = at;
        } catch (IOException e) {
            to.close();
            throw e;
        }
    }

    private static ByteBuffer id(int streamId) {
        return ByteBuffer.allocate(Integer.BYTES).putInt(0, streamId);
    }

    private static byte[] bytes(Frame frame) {
        try {
            return Frame.of(frame.streamId(), frame.type(), frame.flags(), frame.data());
        } catch (OversizeException e) {
            throw new AssertionError("it was received, so it is not too long", e);
        }
    }

    /** What is not a whole record at the end was never acted on. */
    static Known parse(byte[] notes) {
        var in = new ByteArrayOutputStream();
        Map<Integer, byte[]> answers = new LinkedHashMap<>();
        var sent = new HashSet<Integer>();
        Map<Integer, Integer> again = new HashMap<>();
        var doubtful = NOTHING;
        var last = 0;
        var at = ByteBuffer.wrap(notes);
        var end = 0;
        while (at.remaining() >= HEADER) {
            var type = at.get();
            var length = at.getInt();
            if (length < least(type) || length > at.remaining()) {
                break;
            }
            var rest = new byte[length];
            at.get(rest);
            switch (type) {
                case RECEIVED -> {
                    in.writeBytes(rest);
                    doubtful = rest;
                }
                case TAKEN -> doubtful = NOTHING;
                case ANSWER -> answers.put(streamId(rest), rest);
                case SENT -> {
                    var id = ByteBuffer.wrap(rest).getInt();
                    answers.remove(id);
                    sent.add(id);
                }
                case AGAIN -> again.merge(ByteBuffer.wrap(rest).getInt(), 1, Integer::sum);
                case LAST -> last = ByteBuffer.wrap(rest).getInt();
                default -> {
                    // Of a version that notes more.
                }
            }
            end = at.position();
        }
        return known(last, in.toByteArray(), answers, sent, again, doubtful, end);
    }

    private static int least(byte type) {
        return switch (type) {
            case ANSWER -> Frame.HEADER_LENGTH;
            case SENT, AGAIN, LAST -> Integer.BYTES;
            default -> 0;
        };
    }

    private static int streamId(byte[] frame) {
        return ByteBuffer.wrap(frame).getInt(Integer.BYTES);
    }

    private static Known known(
            int before,
            byte[] received,
            Map<Integer, byte[]> answers,
            Set<Integer> sent,
            Map<Integer, Integer> again,
            byte[] doubtful,
            int end) {
        Map<Integer, Call> calls = new LinkedHashMap<>();
        var last = before;
        var at = ByteBuffer.wrap(received);
        while (at.remaining() >= Frame.HEADER_LENGTH) {
            at.mark();
            var length = Integer.toUnsignedLong(at.getInt());
            var id = at.getInt();
            var type = at.get();
            var flags = at.get();
            if (length > at.remaining()) {
                at.reset();
                break;
            }
            var data = new byte[(int) length];
            at.get(data);
            if (type == Frame.REQUEST) {
                var frame = new Frame(id, type, flags, Payload.of(data), length);
                calls.put(id, new Call(frame, 1 + again.getOrDefault(id, 0)));
                last = Integer.compareUnsigned(id, last) > 0 ? id : last;
            } else if (type == Frame.CANCEL) {
                calls.remove(id);
            }
        }
        calls.keySet().removeAll(answers.keySet());
        calls.keySet().removeAll(sent);
        var partial = Arrays.copyOfRange(received, at.position(), received.length);
        return new Known(last, List.copyOf(calls.values()), List.copyOf(answers.values()), partial, doubtful, end);
    }

    /** Removes the notes of a connection that has ended. */
    public synchronized void delete() throws IOException {
        close();
        try {
            Files.delete(file);
        } catch (NoSuchFileException e) {
            // With all others.
        }
    }

    @Override
    public synchronized void close() throws IOException {
        channel.close();
    }
}
