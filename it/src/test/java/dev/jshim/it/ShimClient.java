package dev.jshim.it;

import com.google.gson.JsonParser;
import dev.jshim.proto.v2.task2.TaskGrpc;
import dev.jshim.ttrpc.TtrpcChannel;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.MethodDescriptor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Speaks to a container's shim beside its containerd, for what ctr has no words for. */
final class ShimClient implements AutoCloseable {
    private static final Duration CONNECT = Duration.ofSeconds(5);
    private static final long CALL_SECONDS = 30;

    private final TtrpcChannel channel;

    private ShimClient(TtrpcChannel channel) {
        this.channel = channel;
    }

    /** Connects to the socket that the bundle names. */
    static ShimClient of(PrivateContainerd node, String id) {
        try {
            Path bundle = node.bundle(id);
            // The Go shim of containerd 2 writes no address: the daemon notes what it was told.
            Path noted = bundle.resolve("bootstrap.json");
            String address = Files.exists(bundle.resolve("address"))
                    ? Files.readString(bundle.resolve("address"))
                    : JsonParser.parseString(Files.readString(noted))
                            .getAsJsonObject()
                            .get("address")
                            .getAsString();
            return new ShimClient(
                    TtrpcChannel.connect(Path.of(address.strip().substring("unix://".length())), CONNECT));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A stub whose next call ends in time. */
    TaskGrpc.TaskBlockingStub task() {
        return TaskGrpc.newBlockingStub(channel).withDeadlineAfter(CALL_SECONDS, TimeUnit.SECONDS);
    }

    /** The same in the words of version 3, the only one that runc's own shim of containerd 2 understands. */
    TaskGrpc.TaskBlockingStub taskV3() {
        return task().withInterceptors(new InVersion3());
    }

    /** The messages of both versions are the same on the wire. */
    private static final class InVersion3 implements ClientInterceptor {
        @Override
        public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
            String name = method.getFullMethodName().replace("containerd.task.v2.", "containerd.task.v3.");
            return next.newCall(method.toBuilder().setFullMethodName(name).build(), options);
        }
    }

    @Override
    public void close() {
        channel.close();
    }
}
