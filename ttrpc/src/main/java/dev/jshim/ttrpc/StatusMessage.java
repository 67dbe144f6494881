package dev.jshim.ttrpc;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.WireFormat;
import io.grpc.Metadata;
import io.grpc.Status;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * {@code google.rpc.Status} as it stands in a response.
 *
 * <p>grpc-java keeps the same message in the trailer {@code grpc-status-details-bin}; that is where
 * {@code io.grpc.protobuf.StatusProto} writes and looks for the details.
 *
 * @param details each a marshalled {@code google.protobuf.Any}
 */
record StatusMessage(int code, String message, List<Payload> details) {
    static final Metadata.Key<byte[]> DETAILS =
            Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);

    private static final int CODE = 1;
    private static final int MESSAGE = 2;
    private static final int DETAIL = 3;

    /** Code and text of the status, details of the trailer; a trailer that is no such message is left out. */
    static StatusMessage of(Status status, Metadata trailers) {
        String text = status.getDescription() == null ? "" : status.getDescription();
        List<Payload> details = List.of();
        byte[] trailer = trailers.get(DETAILS);
        if (trailer != null) {
            try {
                details = decode(Payload.of(trailer)).details();
            } catch (IOException notAStatus) {
                details = List.of();
            }
        }
        return new StatusMessage(status.getCode().value(), text, details);
    }

    Status status() {
        Status status = Status.fromCodeValue(code);
        return message.isEmpty() ? status : status.withDescription(message);
    }

    /** Holds the details, if there are any. */
    Metadata trailers() {
        Metadata trailers = new Metadata();
        if (!details.isEmpty()) {
            byte[] bytes = new byte[size()];
            CodedOutputStream out = CodedOutputStream.newInstance(bytes);
            try {
                writeTo(out);
            } catch (IOException e) {
                throw new AssertionError(e);
            }
            trailers.put(DETAILS, bytes);
        }
        return trailers;
    }

    int size() {
        int size = code == 0 ? 0 : CodedOutputStream.computeInt32Size(CODE, code);
        size += Wire.stringSize(MESSAGE, message);
        for (Payload detail : details) {
            size += Wire.messageSize(DETAIL, detail.length);
        }
        return size;
    }

    void writeTo(CodedOutputStream out) throws IOException {
        if (code != 0) {
            out.writeInt32(CODE, code);
        }
        Wire.string(out, MESSAGE, message);
        for (Payload detail : details) {
            out.writeTag(DETAIL, WireFormat.WIRETYPE_LENGTH_DELIMITED);
            out.writeUInt32NoTag(detail.length);
            out.writeRawBytes(detail.bytes, detail.offset, detail.length);
        }
    }

    static StatusMessage decode(Payload data) throws IOException {
        int code = 0;
        String message = "";
        List<Payload> details = new ArrayList<>(0);
        CodedInputStream in = CodedInputStream.newInstance(data.bytes, data.offset, data.length);
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (tag) {
                case CODE << 3 -> code = in.readInt32();
                case MESSAGE << 3 | WireFormat.WIRETYPE_LENGTH_DELIMITED -> message = in.readStringRequireUtf8();
                case DETAIL << 3 | WireFormat.WIRETYPE_LENGTH_DELIMITED -> details.add(Wire.slice(in, data));
                default -> in.skipField(tag);
            }
        }
        return new StatusMessage(code, message, details);
    }
}
