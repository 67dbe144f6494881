package dev.jshim.bridge;

import com.google.protobuf.Any;
import com.google.protobuf.Empty;
import com.google.protobuf.Message;
import com.google.protobuf.Timestamp;
import dev.jshim.bridge.record.PrivateSocket;
import dev.jshim.proto.v1.runc.ProcessDetails;
import dev.jshim.proto.v1.shim.CheckpointTaskRequest;
import dev.jshim.proto.v1.shim.CloseIORequest;
import dev.jshim.proto.v1.shim.DeleteProcessRequest;
import dev.jshim.proto.v1.shim.DeleteResponse;
import dev.jshim.proto.v1.shim.ExecProcessRequest;
import dev.jshim.proto.v1.shim.KillRequest;
import dev.jshim.proto.v1.shim.ListPidsRequest;
import dev.jshim.proto.v1.shim.ListPidsResponse;
import dev.jshim.proto.v1.shim.ResizePtyRequest;
import dev.jshim.proto.v1.shim.ShimGrpc;
import dev.jshim.proto.v1.shim.ShimInfoResponse;
import dev.jshim.proto.v1.shim.StartRequest;
import dev.jshim.proto.v1.shim.StartResponse;
import dev.jshim.proto.v1.shim.StateRequest;
import dev.jshim.proto.v1.shim.StateResponse;
import dev.jshim.proto.v1.shim.UpdateTaskRequest;
import dev.jshim.proto.v1.shim.WaitRequest;
import dev.jshim.proto.v1.shim.WaitResponse;
import dev.jshim.proto.v1.types.ProcessInfo;
import dev.jshim.proto.v1.types.Status;
import dev.jshim.ttrpc.TtrpcServer;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;

/** A v1 shim without processes: says what it is told to say, and keeps what it was asked. */
public final class FakeV1Shim extends ShimGrpc.ShimImplBase implements AutoCloseable {
    /** More than any pid there is. */
    public static final int EXEC_PID = (1 << 22) + 42;

    public static final Timestamp AT =
            Timestamp.newBuilder().setSeconds(1_700_000_000).setNanos(7).build();

    public final List<Message> asked = new CopyOnWriteArrayList<>();
    /** By process id. */
    public final Map<String, Status> states = new ConcurrentHashMap<>();
    /** By the name of the call: fails with this status. */
    public final Map<String, io.grpc.Status> failures = new ConcurrentHashMap<>();

    /** By the name of the call: is answered when this is open. */
    public final Map<String, CountDownLatch> slow = new ConcurrentHashMap<>();

    public volatile boolean mute;
    public volatile int execPid = EXEC_PID;
    public volatile int exitStatus = 3;

    /** Its lock is held from a look at the state to the entry: a wait is answered at once, or by {@link #exit}. */
    private final Map<String, List<StreamObserver<WaitResponse>>> waits = new HashMap<>();

    private final TtrpcServer server;
    private final String id;
    private final int pid;
    private final int shimPid;

    public FakeV1Shim(Path socket, String id, int pid, int shimPid) throws IOException {
        this.id = id;
        this.pid = pid;
        this.shimPid = shimPid;
        states.put(id, Status.RUNNING);
        server = TtrpcServer.builder().addService(this).build();
        server.serve(PrivateSocket.listen(socket));
    }

    /** Ends a process: its state and all waits for it. */
    public void exit(String process) {
        List<StreamObserver<WaitResponse>> waiting;
        synchronized (waits) {
            states.put(process, Status.STOPPED);
            waiting = waits.getOrDefault(process, List.of());
            waits.remove(process);
        }
        waiting.forEach(this::answerExit);
    }

    public boolean isWaitedFor(String process) {
        synchronized (waits) {
            return waits.containsKey(process);
        }
    }

    private void answerExit(StreamObserver<WaitResponse> observer) {
        observer.onNext(WaitResponse.newBuilder()
                .setExitStatus(exitStatus)
                .setExitedAt(AT)
                .build());
        observer.onCompleted();
    }

    private <T> void answer(String call, Message request, StreamObserver<T> observer, T value) {
        asked.add(request);
        if (mute) {
            return;
        }
        var open = slow.get(call);
        if (open != null) {
            try {
                open.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
        var failure = failures.get(call);
        if (failure != null) {
            observer.onError(failure.asRuntimeException());
            return;
        }
        observer.onNext(value);
        observer.onCompleted();
    }

    private int pidOf(String process) {
        return process.equals(id) ? pid : execPid;
    }

    @Override
    public void state(StateRequest r, StreamObserver<StateResponse> o) {
        var state = states.get(r.getId());
        if (state == null && !mute) {
            o.onError(io.grpc.Status.NOT_FOUND
                    .withDescription("process " + r.getId() + " does not exist")
                    .asRuntimeException());
            return;
        }
        var answer = StateResponse.newBuilder()
                .setId(r.getId())
                .setBundle("/v1/bundle")
                .setPid(pidOf(r.getId()))
                .setStatus(state == null ? Status.UNKNOWN : state)
                .setStdin("in")
                .setStdout("out")
                .setStderr("err")
                .setTerminal(true);
        if (state == Status.STOPPED) {
            answer.setExitStatus(exitStatus).setExitedAt(AT);
        } else {
            // Go's zero time.
            answer.setExitedAt(Timestamp.newBuilder().setSeconds(-62135596800L));
        }
        answer("state", r, o, answer.build());
    }

    @Override
    public void start(StartRequest r, StreamObserver<StartResponse> o) {
        states.put(r.getId(), Status.RUNNING);
        answer(
                "start",
                r,
                o,
                StartResponse.newBuilder()
                        .setId(r.getId())
                        .setPid(pidOf(r.getId()))
                        .build());
    }

    @Override
    public void delete(Empty r, StreamObserver<DeleteResponse> o) {
        answer("delete", r, o, deleted(pid));
    }

    @Override
    public void deleteProcess(DeleteProcessRequest r, StreamObserver<DeleteResponse> o) {
        answer("deleteProcess", r, o, deleted(execPid));
    }

    private DeleteResponse deleted(int which) {
        return DeleteResponse.newBuilder()
                .setPid(which)
                .setExitStatus(exitStatus)
                .setExitedAt(AT)
                .build();
    }

    @Override
    public void listPids(ListPidsRequest r, StreamObserver<ListPidsResponse> o) {
        var answer = ListPidsResponse.newBuilder();
        if (states.get(id) != Status.STOPPED) {
            answer.addProcesses(ProcessInfo.newBuilder().setPid(pid).setInfo(details(id)));
            answer.addProcesses(ProcessInfo.newBuilder().setPid(99));
        }
        states.forEach((process, state) -> {
            if (!process.equals(id) && state == Status.RUNNING) {
                answer.addProcesses(ProcessInfo.newBuilder().setPid(execPid).setInfo(details(process)));
            }
        });
        answer("listPids", r, o, answer.build());
    }

    private static Any details(String execId) {
        return Any.newBuilder()
                .setTypeUrl("containerd.linux.runc.ProcessDetails")
                .setValue(ProcessDetails.newBuilder().setExecId(execId).build().toByteString())
                .build();
    }

    @Override
    public void pause(Empty r, StreamObserver<Empty> o) {
        answer("pause", r, o, r);
    }

    @Override
    public void resume(Empty r, StreamObserver<Empty> o) {
        answer("resume", r, o, r);
    }

    @Override
    public void checkpoint(CheckpointTaskRequest r, StreamObserver<Empty> o) {
        answer("checkpoint", r, o, Empty.getDefaultInstance());
    }

    @Override
    public void kill(KillRequest r, StreamObserver<Empty> o) {
        answer("kill", r, o, Empty.getDefaultInstance());
    }

    @Override
    public void exec(ExecProcessRequest r, StreamObserver<Empty> o) {
        states.put(r.getId(), Status.CREATED);
        answer("exec", r, o, Empty.getDefaultInstance());
    }

    @Override
    public void resizePty(ResizePtyRequest r, StreamObserver<Empty> o) {
        answer("resizePty", r, o, Empty.getDefaultInstance());
    }

    @Override
    public void closeIO(CloseIORequest r, StreamObserver<Empty> o) {
        answer("closeIO", r, o, Empty.getDefaultInstance());
    }

    @Override
    public void shimInfo(Empty r, StreamObserver<ShimInfoResponse> o) {
        answer(
                "shimInfo",
                r,
                o,
                ShimInfoResponse.newBuilder().setShimPid(shimPid).build());
    }

    @Override
    public void update(UpdateTaskRequest r, StreamObserver<Empty> o) {
        answer("update", r, o, Empty.getDefaultInstance());
    }

    @Override
    public void wait(WaitRequest r, StreamObserver<WaitResponse> o) {
        asked.add(r);
        Status state;
        synchronized (waits) {
            state = states.get(r.getId());
            if (state != null && state != Status.STOPPED) {
                waits.computeIfAbsent(r.getId(), _ -> new ArrayList<>()).add(o);
                return;
            }
        }
        if (state == null) {
            o.onError(io.grpc.Status.NOT_FOUND.asRuntimeException());
        } else {
            answerExit(o);
        }
    }

    @Override
    public void close() {
        server.close();
    }
}
