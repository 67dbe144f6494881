package dev.jshim.ttrpc;

import java.nio.ByteBuffer;

/**
 * One frame of the wire.
 *
 * @param streamId unsigned; odd for streams that a client began
 * @param type one of {@link #REQUEST}, {@link #RESPONSE}, {@link #DATA}, {@link #CANCEL}, or unknown
 * @param flags the bits {@link #REMOTE_CLOSED}, {@link #REMOTE_OPEN}, {@link #NO_DATA}
 * @param data what followed the header; empty when the frame was oversized, or there was no room for it
 * @param length length of the data as the header says, which is all that is left of a frame that was not kept
 */
record Frame(int streamId, byte type, byte flags, Payload data, long length) {
    static final int HEADER_LENGTH = 10;
    static final int MAX_LENGTH = OversizeException.MAX_LENGTH;

    static final byte REQUEST = 1;
    static final byte RESPONSE = 2;
    static final byte DATA = 3;
    /** Ours, see PROTOCOL.md: Go servers pass over a frame of an unknown type. */
    static final byte CANCEL = 0x43;

    static final byte REMOTE_CLOSED = 1;
    static final byte REMOTE_OPEN = 2;
    static final byte NO_DATA = 4;

    boolean oversized() {
        return length > MAX_LENGTH;
    }

    /** Whether there was no room for it. */
    boolean dropped() {
        return data.length != length && !oversized();
    }

    boolean has(byte flag) {
        return (flags & flag) != 0;
    }

    /** A frame without data, ready to be sent. */
    static byte[] empty(int streamId, byte type, byte flags) {
        byte[] out = new byte[HEADER_LENGTH];
        putHeader(out, streamId, type, flags);
        return out;
    }

    /** A frame that carries {@code data}, ready to be sent. */
    static byte[] of(int streamId, byte type, byte flags, Payload data) throws OversizeException {
        byte[] out = allocate(data.length);
        System.arraycopy(data.bytes, data.offset, out, HEADER_LENGTH, data.length);
        putHeader(out, streamId, type, flags);
        return out;
    }

    static byte[] allocate(long dataLength) throws OversizeException {
        OversizeException.check(dataLength);
        return new byte[HEADER_LENGTH + (int) dataLength];
    }

    static void putHeader(byte[] frame, int streamId, byte type, byte flags) {
        putInt(frame, 0, frame.length - HEADER_LENGTH);
        putStreamId(frame, streamId);
        frame[8] = type;
        frame[9] = flags;
    }

    /** The type of a frame that is ready to be sent. */
    static byte typeOf(byte[] frame) {
        return frame[8];
    }

    /** The stream id of a frame that is ready to be sent. */
    static int streamIdOf(byte[] frame) {
        return ByteBuffer.wrap(frame).getInt(4);
    }

    static void putStreamId(byte[] frame, int streamId) {
        putInt(frame, 4, streamId);
    }

    private static void putInt(byte[] out, int at, int value) {
        out[at] = (byte) (value >>> 24);
        out[at + 1] = (byte) (value >>> 16);
        out[at + 2] = (byte) (value >>> 8);
        out[at + 3] = (byte) value;
    }
}
