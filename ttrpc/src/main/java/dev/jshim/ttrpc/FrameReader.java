package dev.jshim.ttrpc;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Takes frames off a channel. For one thread; idle, it holds {@value #BUFFER} bytes. */
final class FrameReader {
    private static final int BUFFER = 1024;

    private static final byte[] NOTHING = {};
    /**
     * The most that one read asks for: the JDK keeps a direct buffer of the largest size asked for. Also the most that
     * is allocated on the word of a header alone.
     */
    private static final int CHUNK = 64 << 10;

    private final ReadableByteChannel channel;
    private final Budget budget;
    private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER).limit(0);

    /** Read by another reader before this one, and to be read again. */
    private final ByteBuffer before;

    FrameReader(ReadableByteChannel channel) {
        this(channel, NOTHING);
    }

    FrameReader(ReadableByteChannel channel, byte[] before) {
        this(channel, before, Budget.ENDLESS);
    }

    /** @param budget for what there is of a frame that has not come to its end */
    FrameReader(ReadableByteChannel channel, byte[] before, Budget budget) {
        this.channel = channel;
        this.budget = budget;
        this.before = ByteBuffer.wrap(before);
    }

    private int read(ByteBuffer to) throws IOException {
        if (!before.hasRemaining()) {
            return channel.read(to);
        }
        int count = Math.min(before.remaining(), to.remaining());
        to.put(before.slice(before.position(), count));
        before.position(before.position() + count);
        return count;
    }

    /**
     * Waits for the next frame. Of an oversized one, and of one for which there is no room, the data is read and
     * dropped.
     *
     * @return null when the peer has ended the connection between two frames
     * @throws EOFException when it ended within one
     */
    @Nullable
    Frame next() throws IOException {
        if (channel instanceof NotedChannel noted && noted.isDropping()) {
            noted.dropped(buffer.duplicate());
        }
        while (buffer.remaining() < Frame.HEADER_LENGTH) {
            if (!fill()) {
                if (buffer.hasRemaining()) {
                    throw new EOFException("end of connection within a frame header");
                }
                return null;
            }
        }
        long length = Integer.toUnsignedLong(buffer.getInt());
        int streamId = buffer.getInt();
        byte type = buffer.get();
        byte flags = buffer.get();
        if (length > Frame.MAX_LENGTH) {
            if (channel instanceof NotedChannel noted) {
                noted.dropping();
                skip(length);
                noted.dropped(buffer.duplicate());
            } else {
                skip(length);
            }
            return new Frame(streamId, type, flags, Payload.EMPTY, length);
        }
        Share share = new Share();
        try {
            byte[] data = length == 0 ? NOTHING : body((int) length, share);
            return new Frame(streamId, type, flags, data.length == 0 ? Payload.EMPTY : Payload.of(data), length);
        } finally {
            share.give();
        }
    }

    /** What this reader has of the budget. */
    private final class Share {
        private long bytes;

        boolean growTo(long size) {
            if (size > Budget.SMALL && !budget.take(size - bytes)) {
                return false;
            }
            bytes = size > Budget.SMALL ? size : 0;
            return true;
        }

        void give() {
            budget.give(bytes);
        }
    }

    /** Nothing if there is no room for it. */
    private byte[] body(int length, Share share) throws IOException {
        int size = Math.min(length, CHUNK);
        if (!share.growTo(size)) {
            skip(length);
            return NOTHING;
        }
        byte[] data = new byte[size];
        int filled = Math.min(buffer.remaining(), data.length);
        buffer.get(data, 0, filled);
        while (filled < length) {
            if (filled == data.length) {
                size = Math.min(length, data.length * 2);
                if (!share.growTo(size)) {
                    skip(length - filled);
                    return NOTHING;
                }
                data = Arrays.copyOf(data, size);
            }
            int n = read(ByteBuffer.wrap(data, filled, Math.min(CHUNK, data.length - filled)));
            if (n < 0) {
                throw new EOFException("end of connection within a frame");
            }
            filled += n;
        }
        return data;
    }

    private void skip(long length) throws IOException {
        long left = length;
        while (true) {
            int here = (int) Math.min(left, buffer.remaining());
            buffer.position(buffer.position() + here);
            left -= here;
            if (left == 0) {
                return;
            }
            if (!fill()) {
                throw new EOFException("end of connection within an oversized frame");
            }
        }
    }

    private boolean fill() throws IOException {
        buffer.compact();
        try {
            return read(buffer) >= 0;
        } finally {
            buffer.flip();
        }
    }
}
