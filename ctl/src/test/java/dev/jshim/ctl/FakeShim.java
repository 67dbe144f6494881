package dev.jshim.ctl;

import com.google.protobuf.Any;
import com.google.protobuf.Empty;
import com.google.protobuf.Timestamp;
import dev.jshim.proto.v1.runc.ProcessDetails;
import dev.jshim.proto.v1.shim.DeleteProcessRequest;
import dev.jshim.proto.v1.shim.DeleteResponse;
import dev.jshim.proto.v1.shim.ExecProcessRequest;
import dev.jshim.proto.v1.shim.KillRequest;
import dev.jshim.proto.v1.shim.ListPidsRequest;
import dev.jshim.proto.v1.shim.ListPidsResponse;
import dev.jshim.proto.v1.shim.ShimGrpc;
import dev.jshim.proto.v1.shim.StartRequest;
import dev.jshim.proto.v1.shim.StartResponse;
import dev.jshim.proto.v1.shim.StateRequest;
import dev.jshim.proto.v1.shim.StateResponse;
import dev.jshim.proto.v1.shim.WaitRequest;
import dev.jshim.proto.v1.shim.WaitResponse;
import dev.jshim.proto.v1.types.ProcessInfo;
import dev.jshim.proto.v1.types.Status;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/** A v1 shim of one container. */
final class FakeShim extends ShimGrpc.ShimImplBase {
    private final int pid;
    private final Status status;
    private final AtomicInteger lastSignal;
    private final AtomicReference<Path> lastStdout;
    private final Map<String, ExecProcessRequest> execs = new ConcurrentHashMap<>();

    FakeShim(int pid, Status status, AtomicInteger lastSignal, AtomicReference<Path> lastStdout) {
        this.pid = pid;
        this.status = status;
        this.lastSignal = lastSignal;
        this.lastStdout = lastStdout;
    }

    @Override
    public void state(StateRequest request, StreamObserver<StateResponse> out) {
        var answer = StateResponse.newBuilder()
                .setId(request.getId())
                .setPid(pid)
                .setStatus(status)
                .setStdout("/run/no-fifo");
        out.onNext(status == Status.STOPPED ? answer.setExitStatus(7).build() : answer.build());
        out.onCompleted();
    }

    @Override
    public void listPids(ListPidsRequest request, StreamObserver<ListPidsResponse> out) {
        var exec = ProcessDetails.newBuilder().setExecId("shell").build();
        out.onNext(ListPidsResponse.newBuilder()
                .addProcesses(ProcessInfo.newBuilder().setPid(pid))
                .addProcesses(ProcessInfo.newBuilder().setPid(Integer.MAX_VALUE).setInfo(Any.pack(exec)))
                .build());
        out.onCompleted();
    }

    @Override
    public void kill(KillRequest request, StreamObserver<Empty> out) {
        if (status == Status.STOPPED) {
            out.onError(io.grpc.Status.NOT_FOUND
                    .withDescription("process already finished")
                    .asRuntimeException());
            return;
        }
        lastSignal.set(request.getSignal());
        out.onNext(Empty.getDefaultInstance());
        out.onCompleted();
    }

    @Override
    public void pause(Empty request, StreamObserver<Empty> out) {
        answer(out, Empty.getDefaultInstance());
    }

    @Override
    public void resume(Empty request, StreamObserver<Empty> out) {
        answer(out, Empty.getDefaultInstance());
    }

    /** Of an exec 3, of init 7. */
    @Override
    public void wait(WaitRequest request, StreamObserver<WaitResponse> out) {
        var code = execs.containsKey(request.getId()) ? 3 : 7;
        answer(
                out,
                WaitResponse.newBuilder()
                        .setExitStatus(code)
                        .setExitedAt(Timestamp.newBuilder().setSeconds(1_700_000_000))
                        .build());
    }

    @Override
    public void exec(ExecProcessRequest request, StreamObserver<Empty> out) {
        execs.put(request.getId(), request);
        answer(out, Empty.getDefaultInstance());
    }

    /** Prints its own spec, and ends. */
    @Override
    public void start(StartRequest request, StreamObserver<StartResponse> out) {
        var exec = Objects.requireNonNull(execs.get(request.getId()));
        lastStdout.set(Path.of(exec.getStdout()));
        try {
            Files.write(Path.of(exec.getStderr()), "err\n".getBytes(StandardCharsets.UTF_8), StandardOpenOption.WRITE);
            Files.write(Path.of(exec.getStdout()), exec.getSpec().getValue().toByteArray(), StandardOpenOption.WRITE);
        } catch (IOException e) {
            out.onError(e);
            return;
        }
        answer(out, StartResponse.newBuilder().setPid(4).build());
    }

    @Override
    public void deleteProcess(DeleteProcessRequest request, StreamObserver<DeleteResponse> out) {
        execs.remove(request.getId());
        answer(out, DeleteResponse.getDefaultInstance());
    }

    private static <T> void answer(StreamObserver<T> out, T message) {
        out.onNext(message);
        out.onCompleted();
    }
}
