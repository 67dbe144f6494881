package dev.jshim.ttrpc;

import dev.jshim.proto.v2.task2.StateRequest;
import dev.jshim.proto.v2.task2.StateResponse;
import dev.jshim.proto.v2.task2.TaskGrpc;
import dev.jshim.proto.v2.task2.WaitRequest;
import dev.jshim.proto.v2.task2.WaitResponse;
import io.grpc.Context;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;

/** A task service whose State answers at once and whose Wait answers when the test says so. */
final class EchoTask extends TaskGrpc.TaskImplBase {
    static final String SERVICE = "containerd.task.v2.Task";

    /** One call of Wait that was not answered. */
    static final class Waiting {
        final CountDownLatch began = new CountDownLatch(1);
        final CountDownLatch contextCancelled = new CountDownLatch(1);
        final CountDownLatch cancelHandlerCalled = new CountDownLatch(1);
        volatile Context context = Context.ROOT;
        volatile StreamObserver<WaitResponse> answers = new NoAnswers<>();
    }

    private final Map<String, Waiting> waits = new ConcurrentHashMap<>();

    Waiting waiting(String id) {
        return waits.computeIfAbsent(id, _ -> new Waiting());
    }

    @Override
    public void state(StateRequest request, StreamObserver<StateResponse> answers) {
        answers.onNext(StateResponse.newBuilder()
                .setId(request.getId())
                .setStdout(Thread.currentThread().getName())
                .build());
        answers.onCompleted();
    }

    @Override
    public void wait(WaitRequest request, StreamObserver<WaitResponse> answers) {
        Waiting waiting = waiting(request.getId());
        ((ServerCallStreamObserver<WaitResponse>) answers).setOnCancelHandler(waiting.cancelHandlerCalled::countDown);
        waiting.context = Context.current();
        waiting.context.addListener(_ -> waiting.contextCancelled.countDown(), Runnable::run);
        waiting.answers = answers;
        waiting.began.countDown();
    }

    private static final class NoAnswers<T> implements StreamObserver<T> {
        @Override
        public void onNext(T value) {}

        @Override
        public void onError(Throwable t) {}

        @Override
        public void onCompleted() {}
    }
}
