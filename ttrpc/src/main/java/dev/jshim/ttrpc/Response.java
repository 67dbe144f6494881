package dev.jshim.ttrpc;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import io.grpc.Metadata;
import io.grpc.Status;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * What a response frame carries: {@code ttrpc.Response} of ttrpc request.proto, v1.2.8.
 *
 * @param status null for success, as the Go peers send it
 */
record Response(@Nullable StatusMessage status, Payload payload) {
    private static final int STATUS = 1;
    private static final int PAYLOAD = 2;

    static Response ok(Payload payload) {
        return new Response(null, payload);
    }

    static Response error(Status status, Metadata trailers) {
        return new Response(StatusMessage.of(status, trailers), Payload.EMPTY);
    }

    byte[] frame(int streamId) throws OversizeException {
        int statusSize = status == null ? 0 : status.size();
        byte[] frame = Frame.allocate(
                (status == null ? 0L : Wire.messageSize(STATUS, statusSize)) + Wire.bytesSize(PAYLOAD, payload));
        Frame.putHeader(frame, streamId, Frame.RESPONSE, (byte) 0);
        Wire.write(frame, out -> {
            if (status != null) {
                out.writeTag(STATUS, WireFormat.WIRETYPE_LENGTH_DELIMITED);
                out.writeUInt32NoTag(statusSize);
                status.writeTo(out);
            }
            Wire.bytes(out, PAYLOAD, payload);
        });
        return frame;
    }

    static Response decode(Payload data) throws IOException {
        StatusMessage status = null;
        Payload payload = Payload.EMPTY;
        CodedInputStream in = CodedInputStream.newInstance(data.bytes, data.offset, data.length);
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (tag) {
                case STATUS << 3 | WireFormat.WIRETYPE_LENGTH_DELIMITED ->
                    status = StatusMessage.decode(Wire.slice(in, data));
                case PAYLOAD << 3 | WireFormat.WIRETYPE_LENGTH_DELIMITED -> payload = Wire.slice(in, data);
                default -> in.skipField(tag);
            }
        }
        return new Response(status, payload);
    }
}
