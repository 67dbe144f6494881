package dev.jshim.task.client;

import dev.jshim.proto.v1.shim.ShimGrpc.ShimBlockingStub;
import dev.jshim.proto.v1.shim.ShimGrpc.ShimStub;
import dev.jshim.task.ShimException;
import io.grpc.stub.StreamObserver;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The way to one v1 shim: over which connection a call goes, and how long it may take. Thread-safe. */
public interface V1Calls extends AutoCloseable {
    /**
     * What a v1 shim does for a call, which is how long it may take (containerd v1.6.20, runtime/v1/shim/service.go).
     */
    enum Work {
        /** It answers out of its memory, and nothing changes. */
        READ,
        /** It changes something of its own, and waits for its lock before. */
        CHANGE,
        /** It runs the OCI binary. */
        RUNTIME,
        /** That writes the memory of the container. */
        CHECKPOINT
    }

    /**
     * Calls the shim, and blocks for its answer.
     *
     * @throws ShimException UNAVAILABLE if nobody answers on the socket, DEADLINE_EXCEEDED, or what the shim said
     */
    <R> R call(Work work, Function<ShimBlockingStub, R> rpc);

    /**
     * Begins a call that may take forever and holds no thread.
     *
     * @param done called once, in a thread that may block; one of its arguments is null
     */
    <R> void begin(BiConsumer<ShimStub, StreamObserver<R>> rpc, BiConsumer<@Nullable R, @Nullable ShimException> done);

    /** Whether it is known that this shim has the container: some calls name none, and would be done to any other. */
    boolean isVerified();

    @Override
    void close();
}
