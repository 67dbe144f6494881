package dev.jshim.ttrpc;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.WireFormat;
import io.grpc.Metadata;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a request frame carries: {@code ttrpc.Request} of ttrpc request.proto, v1.2.8.
 *
 * @param payload null when the field is not there, which is how an empty message and no message look alike
 * @param timeoutNanos 0 for none; negative when it had passed before it was sent
 */
record Request(String service, String method, @Nullable Payload payload, long timeoutNanos, List<KeyValue> metadata) {
    private static final int SERVICE = 1;
    private static final int METHOD = 2;
    private static final int PAYLOAD = 3;
    private static final int TIMEOUT_NANO = 4;
    private static final int METADATA = 5;
    private static final int LENGTH_DELIMITED = WireFormat.WIRETYPE_LENGTH_DELIMITED;

    /** One entry of the metadata; a key may come more than once. */
    record KeyValue(String key, String value) {
        private int size() {
            return Wire.stringSize(1, key) + Wire.stringSize(2, value);
        }
    }

    /** Encodes as the Go peers do: by field number, empty fields left out. */
    byte[] frame(int streamId, byte flags) throws OversizeException {
        Payload body = payload == null ? Payload.EMPTY : payload;
        long size = (long) Wire.stringSize(SERVICE, service) + Wire.stringSize(METHOD, method);
        size += Wire.bytesSize(PAYLOAD, body);
        size += timeoutNanos == 0 ? 0 : CodedOutputStream.computeInt64Size(TIMEOUT_NANO, timeoutNanos);
        for (KeyValue kv : metadata) {
            size += Wire.messageSize(METADATA, kv.size());
        }
        byte[] frame = Frame.allocate(size);
        Frame.putHeader(frame, streamId, Frame.REQUEST, flags);
        Wire.write(frame, out -> {
            Wire.string(out, SERVICE, service);
            Wire.string(out, METHOD, method);
            Wire.bytes(out, PAYLOAD, body);
            if (timeoutNanos != 0) {
                out.writeInt64(TIMEOUT_NANO, timeoutNanos);
            }
            for (KeyValue kv : metadata) {
                out.writeTag(METADATA, LENGTH_DELIMITED);
                out.writeUInt32NoTag(kv.size());
                Wire.string(out, 1, kv.key());
                Wire.string(out, 2, kv.value());
            }
        });
        return frame;
    }

    /** Unknown fields are passed over. */
    static Request decode(Payload data) throws IOException {
        String service = "";
        String method = "";
        Payload payload = null;
        long timeoutNanos = 0;
        List<KeyValue> metadata = new ArrayList<>(4);
        CodedInputStream in = CodedInputStream.newInstance(data.bytes, data.offset, data.length);
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (tag) {
                case SERVICE << 3 | LENGTH_DELIMITED -> service = in.readStringRequireUtf8();
                case METHOD << 3 | LENGTH_DELIMITED -> method = in.readStringRequireUtf8();
                case PAYLOAD << 3 | LENGTH_DELIMITED -> payload = Wire.slice(in, data);
                case TIMEOUT_NANO << 3 -> timeoutNanos = in.readInt64();
                case METADATA << 3 | LENGTH_DELIMITED -> metadata.add(keyValue(in));
                default -> in.skipField(tag);
            }
        }
        return new Request(service, method, payload, timeoutNanos, metadata);
    }

    private static KeyValue keyValue(CodedInputStream in) throws IOException {
        String key = "";
        String value = "";
        int limit = in.pushLimit(in.readRawVarint32());
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (tag) {
                case 1 << 3 | LENGTH_DELIMITED -> key = in.readStringRequireUtf8();
                case 2 << 3 | LENGTH_DELIMITED -> value = in.readStringRequireUtf8();
                default -> in.skipField(tag);
            }
        }
        in.popLimit(limit);
        return new KeyValue(key, value);
    }

    /** The entries that {@link Metadata} can hold as text: keys in lower case, none that ends in {@code -bin}. */
    Metadata headers() {
        Metadata headers = new Metadata();
        for (KeyValue kv : metadata) {
            Metadata.Key<String> key = key(kv.key());
            if (key != null) {
                headers.put(key, kv.value());
            }
        }
        return headers;
    }

    static List<KeyValue> metadata(Metadata headers) {
        List<KeyValue> metadata = new ArrayList<>();
        for (String name : headers.keys()) {
            Metadata.Key<String> key = key(name);
            Iterable<String> values = key == null ? null : headers.getAll(key);
            if (values != null) {
                values.forEach(value -> metadata.add(new KeyValue(name, value)));
            }
        }
        return metadata;
    }

    private static Metadata.@Nullable Key<String> key(String name) {
        if (name.endsWith(Metadata.BINARY_HEADER_SUFFIX)) {
            return null;
        }
        try {
            return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
        } catch (IllegalArgumentException notAHeaderName) {
            return null;
        }
    }
}
