package dev.jshim.node.shim;

import com.google.protobuf.Any;
import com.google.protobuf.Empty;
import com.google.protobuf.Timestamp;
import dev.jshim.proto.v1.runc.ProcessDetails;
import dev.jshim.proto.v1.shim.KillRequest;
import dev.jshim.proto.v1.shim.ListPidsRequest;
import dev.jshim.proto.v1.shim.ListPidsResponse;
import dev.jshim.proto.v1.shim.ShimGrpc;
import dev.jshim.proto.v1.shim.ShimInfoResponse;
import dev.jshim.proto.v1.shim.StateRequest;
import dev.jshim.proto.v1.shim.StateResponse;
import dev.jshim.proto.v1.types.ProcessInfo;
import dev.jshim.proto.v1.types.Status;
import dev.jshim.proto.v2.task2.ConnectRequest;
import dev.jshim.proto.v2.task2.ConnectResponse;
import dev.jshim.proto.v2.task2.TaskGrpc;
import io.grpc.stub.StreamObserver;

/** Shims that answer from fields, for what tests ask. */
public final class FakeShims {
    public static final int PID = (int) ProcessHandle.current().pid();

    private FakeShims() {}

    /** A v1 shim of one container, whose init and shim are this very process. */
    public static final class V1 extends ShimGrpc.ShimImplBase {
        private final String id;
        volatile int lastSignal;
        public volatile Status status = Status.RUNNING;

        public V1(String id) {
            this.id = id;
        }

        @Override
        public void state(StateRequest request, StreamObserver<StateResponse> out) {
            if (!request.getId().equals(id)) {
                out.onError(io.grpc.Status.NOT_FOUND
                        .withDescription("process does not exist " + request.getId())
                        .asRuntimeException());
                return;
            }
            answer(
                    out,
                    StateResponse.newBuilder()
                            .setId(id)
                            .setPid(PID)
                            .setStatus(status)
                            .setStdout("/fifo/out")
                            .setExitedAt(Timestamp.newBuilder().setSeconds(-62135596800L))
                            .build());
        }

        @Override
        public void listPids(ListPidsRequest request, StreamObserver<ListPidsResponse> out) {
            answer(
                    out,
                    ListPidsResponse.newBuilder()
                            .addProcesses(ProcessInfo.newBuilder().setPid(PID))
                            .addProcesses(ProcessInfo.newBuilder()
                                    .setPid(7)
                                    // as Go's typeurl writes it, without a host
                                    .setInfo(Any.newBuilder()
                                            .setTypeUrl("containerd.linux.runc.ProcessDetails")
                                            .setValue(ProcessDetails.newBuilder()
                                                    .setExecId("e1")
                                                    .build()
                                                    .toByteString())))
                            .build());
        }

        @Override
        public void shimInfo(Empty request, StreamObserver<ShimInfoResponse> out) {
            answer(out, ShimInfoResponse.newBuilder().setShimPid(PID).build());
        }

        @Override
        public void kill(KillRequest request, StreamObserver<Empty> out) {
            lastSignal = request.getSignal();
            answer(out, Empty.getDefaultInstance());
        }
    }

    /** A v2 shim, version 2 of the API only. */
    public static final class V2 extends TaskGrpc.TaskImplBase {
        @Override
        public void state(
                dev.jshim.proto.v2.task2.StateRequest request,
                StreamObserver<dev.jshim.proto.v2.task2.StateResponse> out) {
            answer(
                    out,
                    dev.jshim.proto.v2.task2.StateResponse.newBuilder()
                            .setId(request.getId())
                            .setPid(PID)
                            .setStatus(Status.PAUSED)
                            .build());
        }

        @Override
        public void connect(ConnectRequest request, StreamObserver<ConnectResponse> out) {
            answer(
                    out,
                    ConnectResponse.newBuilder().setShimPid(PID).setTaskPid(PID).build());
        }
    }

    private static <T> void answer(StreamObserver<T> out, T message) {
        out.onNext(message);
        out.onCompleted();
    }
}
