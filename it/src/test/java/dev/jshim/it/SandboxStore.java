package dev.jshim.it;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import dev.jshim.node.socket.UnixGrpc;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.concurrent.TimeUnit;

/** The records of sandboxes in containerd 2, which CRI makes and ctr cannot. */
final class SandboxStore {
    private static final MethodDescriptor<byte[], byte[]> CREATE = MethodDescriptor.newBuilder(bytes(), bytes())
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName("containerd.services.sandbox.v1.Store/Create")
            .build();

    private SandboxStore() {}

    /** Records a sandbox, whose own task is the container of the same id. */
    static void create(PrivateContainerd node, String id) {
        ManagedChannel channel = UnixGrpc.open(node.socket());
        try {
            var metadata = new Metadata();
            metadata.put(UnixGrpc.NAMESPACE, node.namespace());
            var named =
                    io.grpc.ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(metadata));
            var options = CallOptions.DEFAULT.withDeadlineAfter(10, TimeUnit.SECONDS);
            var _ = ClientCalls.blockingUnaryCall(named, CREATE, options, request(id));
        } finally {
            channel.shutdownNow();
        }
    }

    /** StoreCreateRequest {sandbox = 1 {sandbox_id = 1, runtime = 2 {name = 1}}} of api/services/sandbox/v1, v2.1.9. */
    private static byte[] request(String id) {
        var runtime = message(1, ByteString.copyFromUtf8(Product.RUNTIME));
        var sandbox = message(1, ByteString.copyFromUtf8(id)).concat(message(2, runtime));
        return message(1, sandbox).toByteArray();
    }

    private static ByteString message(int field, ByteString value) {
        return UnknownFieldSet.newBuilder()
                .addField(
                        field,
                        UnknownFieldSet.Field.newBuilder()
                                .addLengthDelimited(value)
                                .build())
                .build()
                .toByteString();
    }

    private static MethodDescriptor.Marshaller<byte[]> bytes() {
        return new MethodDescriptor.Marshaller<>() {
            @Override
            public InputStream stream(byte[] value) {
                return new ByteArrayInputStream(value);
            }

            @Override
            public byte[] parse(InputStream stream) {
                try {
                    return stream.readAllBytes();
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        };
    }
}
