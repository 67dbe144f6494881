package dev.jshim.task.client;

import dev.jshim.proto.v1.shim.ShimGrpc;
import dev.jshim.proto.v1.shim.ShimGrpc.ShimBlockingStub;
import dev.jshim.proto.v1.shim.ShimGrpc.ShimStub;
import dev.jshim.task.ShimException;
import dev.jshim.task.Statuses;
import io.grpc.Channel;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One connection to the process that listens on a v1 shim's socket.
 *
 * @param closing what closes the channel
 * @param timeout of each call but one for an exit, whatever the shim does for it
 */
public record V1Connection(Channel channel, Runnable closing, Duration timeout) implements V1Calls {
    @Override
    public <R> R call(Work work, Function<ShimBlockingStub, R> rpc) {
        try {
            return rpc.apply(
                    ShimGrpc.newBlockingStub(channel).withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS));
        } catch (StatusRuntimeException e) {
            throw Statuses.exception(e.getStatus());
        }
    }

    @Override
    public <R> void begin(
            BiConsumer<ShimStub, StreamObserver<R>> rpc, BiConsumer<@Nullable R, @Nullable ShimException> done) {
        rpc.accept(ShimGrpc.newStub(channel), new AsyncAnswer<>(Statuses::exception, done));
    }

    @Override
    public boolean isVerified() {
        return false;
    }

    @Override
    public void close() {
        closing.run();
    }
}
