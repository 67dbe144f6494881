package dev.jshim.ttrpc;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.io.UncheckedIOException;

/** Protobuf fields of proto3: one with the default value is not written. */
final class Wire {
    private Wire() {}

    /** Writes the fields of one message. */
    interface Fields {
        void writeTo(CodedOutputStream out) throws IOException;
    }

    /** Fills the frame behind its header, to the last byte. */
    static void write(byte[] frame, Fields fields) {
        CodedOutputStream out =
                CodedOutputStream.newInstance(frame, Frame.HEADER_LENGTH, frame.length - Frame.HEADER_LENGTH);
        try {
            fields.writeTo(out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        out.checkNoSpaceLeft();
    }

    static int stringSize(int field, String value) {
        return value.isEmpty() ? 0 : CodedOutputStream.computeStringSize(field, value);
    }

    static void string(CodedOutputStream out, int field, String value) throws IOException {
        if (!value.isEmpty()) {
            out.writeString(field, value);
        }
    }

    static int bytesSize(int field, Payload value) {
        return value.length == 0 ? 0 : messageSize(field, value.length);
    }

    static void bytes(CodedOutputStream out, int field, Payload value) throws IOException {
        if (value.length > 0) {
            out.writeTag(field, WireFormat.WIRETYPE_LENGTH_DELIMITED);
            out.writeUInt32NoTag(value.length);
            out.writeRawBytes(value.bytes, value.offset, value.length);
        }
    }

    static int messageSize(int field, int size) {
        return CodedOutputStream.computeTagSize(field) + CodedOutputStream.computeUInt32SizeNoTag(size) + size;
    }

    /** A length-delimited field of {@code all}, in place. */
    static Payload slice(CodedInputStream in, Payload all) throws IOException {
        int length = in.readRawVarint32();
        int at = in.getTotalBytesRead();
        in.skipRawBytes(length);
        return new Payload(all.bytes, all.offset + at, length);
    }
}
