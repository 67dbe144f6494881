package dev.jshim.ttrpc;

import io.grpc.KnownLength;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/** A slice of a byte array; the array is not copied, so nobody may write to it afterwards. */
final class Payload {
    static final Payload EMPTY = new Payload(new byte[0], 0, 0);

    final byte[] bytes;
    final int offset;
    final int length;

    Payload(byte[] bytes, int offset, int length) {
        this.bytes = bytes;
        this.offset = offset;
        this.length = length;
    }

    static Payload of(byte[] bytes) {
        return new Payload(bytes, 0, bytes.length);
    }

    /**
     * Reads a marshalled message to its end, and closes the stream.
     *
     * @throws OversizeException when it is longer than a frame can be; at most that much is then held in memory
     */
    static Payload drain(InputStream message) throws IOException {
        try (message) {
            if (!(message instanceof KnownLength)) {
                return drainUnknown(message);
            }
            int size = message.available();
            OversizeException.check(size);
            byte[] bytes = new byte[size];
            int read = message.readNBytes(bytes, 0, size);
            return new Payload(bytes, 0, read);
        }
    }

    private static Payload drainUnknown(InputStream message) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        byte[] chunk = new byte[4096];
        for (int n = message.read(chunk); n >= 0; n = message.read(chunk)) {
            out.write(chunk, 0, n);
            OversizeException.check(out.size());
        }
        return of(out.toByteArray());
    }

    InputStream stream() {
        return new SizedStream(bytes, offset, length);
    }

    byte[] copy() {
        return Arrays.copyOfRange(bytes, offset, offset + length);
    }

    /** Gives the protobuf marshaller its length, which spares it a 4 KiB buffer for each message. */
    private static final class SizedStream extends ByteArrayInputStream implements KnownLength {
        SizedStream(byte[] bytes, int offset, int length) {
            super(bytes, offset, length);
        }
    }
}
