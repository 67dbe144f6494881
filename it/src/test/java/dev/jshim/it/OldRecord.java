package dev.jshim.it;

import com.google.protobuf.Any;
import dev.jshim.node.socket.UnixGrpc;
import dev.jshim.proto.v1.runc.RuncOptions;
import dev.jshim.proto.v2.containerd.containers.Container;
import dev.jshim.proto.v2.containerd.containers.ContainersGrpc;
import dev.jshim.proto.v2.containerd.containers.GetContainerRequest;
import dev.jshim.proto.v2.containerd.containers.GetContainerResponse;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** Records of containers that name the v1 runtime, as old clients made them, without a task. */
final class OldRecord {
    /** CreateContainerRequest is the same on the wire as GetContainerResponse: one container in field 1. */
    private static final MethodDescriptor<GetContainerResponse, GetContainerResponse> CREATE =
            MethodDescriptor.<GetContainerResponse, GetContainerResponse>newBuilder()
                    .setType(MethodDescriptor.MethodType.UNARY)
                    .setFullMethodName("containerd.services.containers.v1.Containers/Create")
                    .setRequestMarshaller(ProtoUtils.marshaller(GetContainerResponse.getDefaultInstance()))
                    .setResponseMarshaller(ProtoUtils.marshaller(GetContainerResponse.getDefaultInstance()))
                    .build();

    private OldRecord() {}

    /** As the running daemon's ctr makes it. */
    static void create(PrivateContainerd node, String id, String... flags) {
        List<String> args = new ArrayList<>(List.of("container", "create", "--runtime", Product.LEGACY, "--rootfs"));
        args.addAll(List.of(flags));
        args.add(node.rootfs().toString());
        args.addAll(List.of(id, "/bin/sleep", "100000"));
        node.ctr(args.toArray(String[]::new)).ok();
    }

    /** As Docker and CRI make it: with options, for which ctr has no flags. */
    static void create(PrivateContainerd node, String id, RuncOptions options) {
        create(node, id + "-without");
        with(node, channel -> {
            Container made = get(channel, id + "-without");
            Container.Runtime runtime = made.getRuntime().toBuilder()
                    .setOptions(Any.newBuilder()
                            .setTypeUrl("containerd.linux.runc.RuncOptions")
                            .setValue(options.toByteString()))
                    .build();
            return ClientCalls.blockingUnaryCall(
                    channel,
                    CREATE,
                    CallOptions.DEFAULT,
                    GetContainerResponse.newBuilder()
                            .setContainer(made.toBuilder().setId(id).setRuntime(runtime))
                            .build());
        });
        node.ctr("container", "rm", id + "-without").ok();
    }

    /** The OCI specification in a record, which the old daemon writes into the bundle. */
    static byte[] spec(PrivateContainerd node, String id) {
        return with(node, channel -> get(channel, id).getSpec().getValue().toByteArray());
    }

    private static Container get(Channel channel, String id) {
        return ContainersGrpc.newBlockingStub(channel)
                .get(GetContainerRequest.newBuilder().setId(id).build())
                .getContainer();
    }

    private static <T> T with(PrivateContainerd node, Function<Channel, T> work) {
        var channel = UnixGrpc.open(node.socket());
        try {
            var headers = new Metadata();
            headers.put(UnixGrpc.NAMESPACE, node.namespace());
            return work.apply(
                    ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(headers)));
        } finally {
            channel.shutdownNow();
        }
    }

    /** Starts a container in the background by its record and returns its init process. */
    static ProcessFacts start(PrivateContainerd node, String id) {
        node.ctr("task", "start", "-d", "--fifo-dir", node.fifos(), id).ok();
        return node.init(id);
    }
}
