package dev.jshim.task.client;

import dev.jshim.task.ShimException;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The one answer to a call that holds no thread, or its failure, passed on in a virtual thread of its own. Its methods
 * are called in the connection's thread, one after the other.
 */
public final class AsyncAnswer<R> implements StreamObserver<R> {
    private final Function<Status, ShimException> failure;
    private final BiConsumer<@Nullable R, @Nullable ShimException> done;

    private boolean isAnswered;

    /**
     * @param failure what a status of the call means; called in the connection's thread
     * @param done called once, in a thread that may block; one of its arguments is null
     */
    public AsyncAnswer(Function<Status, ShimException> failure, BiConsumer<@Nullable R, @Nullable ShimException> done) {
        this.failure = failure;
        this.done = done;
    }

    @Override
    public void onNext(R answer) {
        isAnswered = true;
        Thread.ofVirtual().name("wait-done").start(() -> done.accept(answer, null));
    }

    @Override
    public void onError(Throwable t) {
        fail(failure.apply(Status.fromThrowable(t)));
    }

    /** That the call could not be made. */
    public void fail(ShimException why) {
        Thread.ofVirtual().name("wait-failed").start(() -> done.accept(null, why));
    }

    @Override
    public void onCompleted() {
        if (!isAnswered) {
            fail(failure.apply(Status.INTERNAL.withDescription("the call ended without an answer")));
        }
    }
}
