package dev.jshim.shim.task;

import dev.jshim.proto.v2.task2.WaitResponse;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A call of Wait as the service sees it, whose client can be made to go away. */
final class WaitCall extends ServerCallStreamObserver<WaitResponse> {
    /** The exit statuses that were answered. */
    final List<Integer> answers = new CopyOnWriteArrayList<>();

    /** What the service wants done when the client goes away. */
    Runnable cancelled = () -> {
        throw new AssertionError("nobody wants to know");
    };

    @Override
    public void onNext(WaitResponse response) {
        answers.add(response.getExitStatus());
    }

    @Override
    public void onError(Throwable failure) {
        answers.add(-1);
    }

    @Override
    public void onCompleted() {}

    @Override
    public boolean isCancelled() {
        return false;
    }

    @Override
    public void setOnCancelHandler(Runnable handler) {
        cancelled = handler;
    }

    @Override
    public void setCompression(String compression) {}

    @Override
    public boolean isReady() {
        return true;
    }

    @Override
    public void setOnReadyHandler(Runnable handler) {}

    @Override
    public void disableAutoInboundFlowControl() {}

    @Override
    public void request(int count) {}

    @Override
    public void setMessageCompression(boolean enable) {}
}
