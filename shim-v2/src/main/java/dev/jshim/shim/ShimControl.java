package dev.jshim.shim;

import dev.jshim.proto.v2.control.ControlGrpc;
import dev.jshim.proto.v2.control.ReplaceRequest;
import dev.jshim.proto.v2.control.ReplaceResponse;
import dev.jshim.task.ShimException;
import dev.jshim.task.Statuses;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.function.Consumer;

/** Orders to a shim, from {@code jshimctl}; beside the task service, at the same socket. */
final class ShimControl extends ControlGrpc.ControlImplBase {
    private final Consumer<List<String>> replace;

    /**
     * @param replace begins to make room for a process with that command line, and returns before it has; throws a
     *     {@link ShimException} if that cannot be
     */
    ShimControl(Consumer<List<String>> replace) {
        this.replace = replace;
    }

    @Override
    public void replace(ReplaceRequest r, StreamObserver<ReplaceResponse> answer) {
        try {
            if (r.getCommandCount() == 0 || !r.getCommand(0).startsWith("/")) {
                throw ShimException.invalidArgument("the command must begin with an absolute path");
            }
            replace.accept(List.copyOf(r.getCommandList()));
        } catch (RuntimeException e) {
            answer.onError(Statuses.of(e).asRuntimeException());
            return;
        }
        answer.onNext(ReplaceResponse.getDefaultInstance());
        answer.onCompleted();
    }
}
