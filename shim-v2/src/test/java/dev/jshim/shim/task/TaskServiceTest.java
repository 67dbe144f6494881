package dev.jshim.shim.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import dev.jshim.proto.v1.types.Mount;
import dev.jshim.proto.v1.types.Status;
import dev.jshim.proto.v2.events.TaskCheckpointed;
import dev.jshim.proto.v2.events.TaskCreate;
import dev.jshim.proto.v2.events.TaskDelete;
import dev.jshim.proto.v2.events.TaskExecAdded;
import dev.jshim.proto.v2.events.TaskExecStarted;
import dev.jshim.proto.v2.events.TaskExit;
import dev.jshim.proto.v2.events.TaskPaused;
import dev.jshim.proto.v2.events.TaskResumed;
import dev.jshim.proto.v2.events.TaskStart;
import dev.jshim.proto.v2.runc.ProcessDetails;
import dev.jshim.proto.v2.task2.CheckpointTaskRequest;
import dev.jshim.proto.v2.task2.CloseIORequest;
import dev.jshim.proto.v2.task2.ConnectRequest;
import dev.jshim.proto.v2.task2.CreateTaskRequest;
import dev.jshim.proto.v2.task2.DeleteRequest;
import dev.jshim.proto.v2.task2.ExecProcessRequest;
import dev.jshim.proto.v2.task2.KillRequest;
import dev.jshim.proto.v2.task2.PauseRequest;
import dev.jshim.proto.v2.task2.PidsRequest;
import dev.jshim.proto.v2.task2.ResizePtyRequest;
import dev.jshim.proto.v2.task2.ResumeRequest;
import dev.jshim.proto.v2.task2.ShutdownRequest;
import dev.jshim.proto.v2.task2.StartRequest;
import dev.jshim.proto.v2.task2.StateRequest;
import dev.jshim.proto.v2.task2.StatsRequest;
import dev.jshim.proto.v2.task2.TaskGrpc;
import dev.jshim.proto.v2.task2.UpdateTaskRequest;
import dev.jshim.proto.v2.task2.WaitRequest;
import dev.jshim.proto.v2.task2.WaitResponse;
import dev.jshim.shim.Until;
import dev.jshim.task.CreateRequest;
import dev.jshim.task.EventSink;
import dev.jshim.task.ShimException;
import dev.jshim.task.Task;
import dev.jshim.ttrpc.TtrpcChannel;
import dev.jshim.ttrpc.TtrpcServer;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ClientInterceptors;
import io.grpc.MethodDescriptor;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The service through a socket, over a task that a test has in its hands. */
@Timeout(90)
class TaskServiceTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final List<Message> events = new ArrayList<>();
    private final AtomicInteger shutdowns = new AtomicInteger();
    private final AtomicInteger handling = new AtomicInteger();
    private final AtomicInteger handled = new AtomicInteger();
    private final CountDownLatch go = new CountDownLatch(1);
    private final CompletableFuture<CreateRequest> hanging = new CompletableFuture<>();

    @TempDir
    Path folder;

    private ScriptedTask task;
    private TtrpcServer server;
    private TtrpcChannel channel;

    @BeforeEach
    void serve() throws Exception {
        task = new ScriptedTask("box", Path.of("/b"));
        EventSink sink = event -> {
            synchronized (events) {
                events.add(event);
            }
        };
        var service = new TaskService(new TaskRegistry(), this::make, sink, shutdowns::incrementAndGet);
        server = TtrpcServer.builder()
                .addService(service)
                .addService(TaskServiceV3.of(service))
                .executor(call -> Thread.ofVirtual().start(() -> {
                    handling.incrementAndGet();
                    call.run();
                    handling.decrementAndGet();
                    handled.incrementAndGet();
                }))
                .build();
        var socket = folder.resolve("s");
        var listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        listener.bind(UnixDomainSocketAddress.of(socket));
        server.serve(listener);
        channel = TtrpcChannel.connect(socket, PATIENCE);
    }

    @AfterEach
    void close() {
        go.countDown();
        channel.close();
        server.close();
    }

    private Task make(CreateRequest request) {
        if (request.id().equals("hanging")) {
            hanging.complete(request);
            try {
                assertThat(go.await(20, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            return new ScriptedTask("hanging", request.bundle());
        }
        if (request.id().equals("impossible")) {
            throw new ShimException(ShimException.Kind.UNKNOWN, "OCI runtime create failed: why");
        }
        return task;
    }

    private TaskGrpc.TaskBlockingStub task() {
        return TaskGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
    }

    private List<Message> events() {
        synchronized (events) {
            return List.copyOf(events);
        }
    }

    private static CreateTaskRequest create(String id) {
        return CreateTaskRequest.newBuilder().setId(id).setBundle("/b").build();
    }

    private static void assertFails(Code code, String message, ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOfSatisfying(StatusRuntimeException.class, e -> {
            assertThat(e.getStatus().getCode()).as(e.getMessage()).isEqualTo(code);
            assertThat(e.getMessage()).contains(message);
        });
    }

    /** The stub of version 2, whose calls go out under the name of the version asked for. */
    private TaskGrpc.TaskBlockingStub version(String version) {
        ClientInterceptor renaming = new ClientInterceptor() {
            @Override
            public <Q, R> ClientCall<Q, R> interceptCall(
                    MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
                var name =
                        method.getFullMethodName().replace("containerd.task.v2.", "containerd.task." + version + ".");
                return next.newCall(method.toBuilder().setFullMethodName(name).build(), options);
            }
        };
        return TaskGrpc.newBlockingStub(ClientInterceptors.intercept(channel, renaming))
                .withDeadlineAfter(20, TimeUnit.SECONDS);
    }

    @ParameterizedTest
    @ValueSource(strings = {"v2", "v3"})
    void answersEveryCall(String version) {
        var stub = version(version);
        var created = stub.create(CreateTaskRequest.newBuilder()
                .setId("box")
                .setBundle("/b")
                .setStdin("i")
                .setStdout("o")
                .setStderr("e")
                .setCheckpoint("c")
                .addRootfs(Mount.newBuilder().setType("overlay"))
                .build());
        assertThat(created.getPid()).isEqualTo(ScriptedTask.PID);
        var state = stub.state(StateRequest.newBuilder().setId("box").build());
        assertThat(state.getStatus()).isEqualTo(Status.RUNNING);
        assertThat(List.of(state.getId(), state.getBundle(), state.getStdin(), state.getStdout(), state.getStderr()))
                .containsExactly("box", "/b", "i", "o", "e");
        assertThat(stub.start(StartRequest.newBuilder().setId("box").build()).getPid())
                .isEqualTo(ScriptedTask.PID);
        var pids = stub.pids(PidsRequest.newBuilder().setId("box").build()).getProcessesList();
        assertThat(pids).extracting(p -> p.getPid()).containsExactly(ScriptedTask.PID, ScriptedTask.PID + 1);
        assertThat(pids.get(0).hasInfo()).isFalse();
        assertThat(pids.get(1).getInfo().getTypeUrl()).isEqualTo("containerd.runc.v1.ProcessDetails");
        assertThat(pids.get(1).getInfo().getValue())
                .isEqualTo(ProcessDetails.newBuilder().setExecId("e").build().toByteString());
        var _ = stub.exec(ExecProcessRequest.newBuilder()
                .setId("box")
                .setExecId("e")
                .setStdout("x")
                .setTerminal(true)
                .setSpec(Any.newBuilder().setValue(ByteString.copyFromUtf8("{}")))
                .build());
        var _ = stub.start(StartRequest.newBuilder().setId("box").setExecId("e").build());
        var _ = stub.pause(PauseRequest.newBuilder().setId("box").build());
        var _ = stub.resume(ResumeRequest.newBuilder().setId("box").build());
        var _ = stub.checkpoint(
                CheckpointTaskRequest.newBuilder().setId("box").setPath("/c").build());
        var _ = stub.kill(KillRequest.newBuilder()
                .setId("box")
                .setExecId("e")
                .setSignal(15)
                .setAll(true)
                .build());
        var _ = stub.resizePty(ResizePtyRequest.newBuilder()
                .setId("box")
                .setExecId("e")
                .setWidth(80)
                .setHeight(25)
                .build());
        var _ = stub.closeIO(CloseIORequest.newBuilder().setId("box").build());
        var _ = stub.closeIO(
                CloseIORequest.newBuilder().setId("box").setStdin(true).build());
        var _ = stub.update(UpdateTaskRequest.newBuilder()
                .setId("box")
                .setResources(Any.newBuilder().setValue(ByteString.copyFromUtf8("{\"pids\":{}}")))
                .putAnnotations("k", "v")
                .build());
        assertThat(stub.stats(StatsRequest.newBuilder().setId("box").build())
                        .getStats()
                        .getTypeUrl())
                .isEqualTo("google.protobuf.Empty");
        var connected = stub.connect(ConnectRequest.newBuilder().setId("box").build());
        assertThat(connected.getShimPid())
                .isEqualTo((int) ProcessHandle.current().pid());
        assertThat(connected.getTaskPid()).isEqualTo(ScriptedTask.PID);
        task.end("e", 3);
        var exited =
                stub.wait(WaitRequest.newBuilder().setId("box").setExecId("e").build());
        assertThat(exited.getExitStatus()).isEqualTo(3);
        assertThat(exited.getExitedAt().getSeconds()).isEqualTo(1000);
        assertThat(exited.getExitedAt().getNanos()).isEqualTo(5);
        task.end("", 9);
        var deleted = stub.delete(DeleteRequest.newBuilder().setId("box").build());
        assertThat(deleted.getExitStatus()).isEqualTo(9);
        assertThat(deleted.getPid()).isEqualTo(ScriptedTask.PID);

        assertThat(task.calls())
                .containsExactly(
                        "state ",
                        "start ",
                        "pids",
                        "exec e Stdio[stdin=, stdout=x, stderr=, terminal=true] {}",
                        "start e",
                        "pause",
                        "resume",
                        "checkpoint /c ",
                        "kill e 15 true",
                        "resize e 80x25",
                        "closeStdin ",
                        "update {\"pids\":{}} {k=v}",
                        "stats",
                        "delete ");
        assertThat(events())
                .extracting(event -> (Object) event.getClass())
                .containsExactly(
                        TaskCreate.class,
                        TaskStart.class,
                        TaskExecAdded.class,
                        TaskExecStarted.class,
                        TaskPaused.class,
                        TaskResumed.class,
                        TaskCheckpointed.class,
                        TaskExit.class,
                        TaskExit.class,
                        TaskDelete.class);
        assertThat(events().getFirst()).isInstanceOfSatisfying(TaskCreate.class, e -> {
            assertThat(e.getContainerId()).isEqualTo("box");
            assertThat(e.getPid()).isEqualTo(ScriptedTask.PID);
            assertThat(e.getIo().getStderr()).isEqualTo("e");
            assertThat(e.getRootfsCount()).isEqualTo(1);
            assertThat(e.getCheckpoint()).isEqualTo("c");
        });
        assertThat(exits()).containsExactly("box e 3", "box box 9");
    }

    private List<String> exits() {
        return events().stream()
                .filter(TaskExit.class::isInstance)
                .map(TaskExit.class::cast)
                .map(e -> e.getContainerId() + " " + e.getId() + " " + e.getExitStatus())
                .toList();
    }

    @Test
    void anUnknownVersionIsUnimplemented() {
        assertFails(Code.UNIMPLEMENTED, "v9", () -> version("v9").create(create("box")));
    }

    @Test
    void anUnknownContainerIsNotFoundButConnected() {
        assertFails(
                Code.NOT_FOUND,
                "container no not created",
                () -> task().state(StateRequest.newBuilder().setId("no").build()));
        assertFails(
                Code.NOT_FOUND,
                "no",
                () -> task().wait(WaitRequest.newBuilder().setId("no").build()));
        assertFails(
                Code.NOT_FOUND,
                "no",
                () -> task().closeIO(CloseIORequest.newBuilder().setId("no").build()));
        assertFails(
                Code.NOT_FOUND,
                "../no",
                () -> task().kill(KillRequest.newBuilder().setId("../no").build()));
        assertThat(task().connect(ConnectRequest.newBuilder().setId("no").build())
                        .getTaskPid())
                .isZero();
        var _ = task().create(create("box"));
        assertFails(
                Code.NOT_FOUND,
                "process does not exist no",
                () -> task().wait(WaitRequest.newBuilder()
                        .setId("box")
                        .setExecId("no")
                        .build()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "..", "../box", "a/b", "-box", "box\n"})
    void refusesAnIdThatIsNone(String id) {
        assertFails(Code.INVALID_ARGUMENT, "is not valid", () -> task().create(create(id)));
        var _ = task().create(create("box"));
        assertFails(
                Code.INVALID_ARGUMENT,
                "exec id \"" + id + "\" is not valid",
                () -> task().exec(ExecProcessRequest.newBuilder()
                        .setId("box")
                        .setExecId(id)
                        .build()));
        assertThat(task.calls()).isEmpty();
    }

    @Test
    void refusesAnExecOfTheContainersName() {
        var _ = task().create(create("box"));
        assertFails(
                Code.INVALID_ARGUMENT,
                "container's own id",
                () -> task().exec(ExecProcessRequest.newBuilder()
                        .setId("box")
                        .setExecId("box")
                        .build()));
        assertThat(task.calls()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "b", "../b", "/b\0"})
    void refusesABundleThatIsNoPath(String bundle) {
        assertFails(
                Code.INVALID_ARGUMENT,
                "is not an absolute path",
                () -> task().create(CreateTaskRequest.newBuilder()
                        .setId("box")
                        .setBundle(bundle)
                        .build()));
    }

    @Test
    void nothingIsPublishedOfWhatFailed() {
        assertFails(Code.UNKNOWN, "OCI runtime create failed: why", () -> task().create(create("impossible")));
        assertThat(events()).isEmpty();
        var _ = task().create(create("box"));
        List<ThrowingCallable> calls = List.of(
                () -> task().start(StartRequest.newBuilder().setId("box").build()),
                () -> task().pause(PauseRequest.newBuilder().setId("box").build()),
                () -> task().resume(ResumeRequest.newBuilder().setId("box").build()),
                () -> task().checkpoint(
                                CheckpointTaskRequest.newBuilder().setId("box").build()),
                () -> task().exec(ExecProcessRequest.newBuilder()
                        .setId("box")
                        .setExecId("e")
                        .build()),
                () -> task().delete(DeleteRequest.newBuilder().setId("box").build()));
        for (var call : calls) {
            task.failure = ShimException.failedPrecondition("not now");
            assertFails(Code.FAILED_PRECONDITION, "not now", call);
        }
        assertThat(events()).hasSize(1);
        assertThat(task().state(StateRequest.newBuilder().setId("box").build()).getId())
                .as("a deletion that failed can be tried again")
                .isEqualTo("box");
    }

    @Test
    void waitCostsNoThread() throws Exception {
        var _ = task().create(create("box"));
        Until.holds("create is over", () -> handled.get() == 1);
        var stub = TaskGrpc.newStub(channel);
        var answers = IntStream.range(0, 50)
                .mapToObj(_ -> {
                    var answer = new CompletableFuture<WaitResponse>();
                    stub.wait(WaitRequest.newBuilder().setId("box").build(), into(answer));
                    return answer;
                })
                .toList();
        Until.holds("all have been asked", () -> handled.get() == 51);
        assertThat(handling).hasValue(0);
        assertThat(answers).noneMatch(CompletableFuture::isDone);
        task.end("", 4);
        for (var answer : answers) {
            assertThat(answer.get(10, TimeUnit.SECONDS).getExitStatus()).isEqualTo(4);
        }
        assertThat(task().wait(WaitRequest.newBuilder().setId("box").build()).getExitStatus())
                .as("also for who asks afterwards")
                .isEqualTo(4);
        assertThat(exits()).containsExactly("box box 4");
    }

    @Test
    void aClientThatWentAwayWaitsNoMore() throws Exception {
        var registry = new TaskRegistry();
        registry.add(task);
        var service = new TaskService(registry, _ -> task, _ -> {}, () -> {});
        var gone = new WaitCall();
        var there = new WaitCall();
        for (var call : List.of(gone, there)) {
            service.wait(WaitRequest.newBuilder().setId("box").build(), call);
        }
        gone.cancelled.run();
        task.end("", 4);
        Until.holds("the other is answered", () -> there.answers.equals(List.of(4)));
        assertThat(gone.answers).isEmpty();
    }

    private static <T> StreamObserver<T> into(CompletableFuture<T> answer) {
        return new StreamObserver<>() {
            @Override
            public void onNext(T value) {
                answer.complete(value);
            }

            @Override
            public void onError(Throwable failure) {
                answer.completeExceptionally(failure);
            }

            @Override
            public void onCompleted() {}
        };
    }

    @Test
    void othersAreServedWhileACreateHangs() throws Exception {
        var _ = task().create(create("box"));
        var answer = new CompletableFuture<dev.jshim.proto.v2.task2.CreateTaskResponse>();
        TaskGrpc.newStub(channel).create(create("hanging"), into(answer));
        hanging.get(10, TimeUnit.SECONDS);
        assertThat(task().state(StateRequest.newBuilder().setId("box").build()).getPid())
                .isEqualTo(ScriptedTask.PID);
        assertFails(Code.ALREADY_EXISTS, "hanging", () -> task().create(create("hanging")));
        assertFails(
                Code.NOT_FOUND,
                "hanging",
                () -> task().state(StateRequest.newBuilder().setId("hanging").build()));
        assertThat(answer).isNotDone();
        go.countDown();
        assertThat(answer.get(10, TimeUnit.SECONDS).getPid()).isEqualTo(ScriptedTask.PID);
    }

    /** As of a daemon whose client gave up: it asks once, and takes the bundle away then. */
    @Test
    void aDeleteWaitsForTheCreateThatItWouldMiss() throws Exception {
        var created = new CompletableFuture<dev.jshim.proto.v2.task2.CreateTaskResponse>();
        TaskGrpc.newStub(channel).create(create("hanging"), into(created));
        hanging.get(10, TimeUnit.SECONDS);
        var deleted = new CompletableFuture<dev.jshim.proto.v2.task2.DeleteResponse>();
        TaskGrpc.newStub(channel)
                .delete(DeleteRequest.newBuilder().setId("hanging").build(), into(deleted));
        Until.holds("both are being handled", () -> handling.get() == 2);
        Thread.sleep(100);
        assertThat(deleted).isNotDone();

        go.countDown();

        assertThat(created.get(20, TimeUnit.SECONDS).getPid()).isEqualTo(ScriptedTask.PID);
        assertThat(deleted.get(20, TimeUnit.SECONDS).getPid()).isEqualTo(ScriptedTask.PID);
        assertFails(
                Code.NOT_FOUND,
                "hanging",
                () -> task().state(StateRequest.newBuilder().setId("hanging").build()));
        assertThat(events())
                .extracting(event -> (Object) event.getClass())
                .containsExactly(TaskCreate.class, TaskDelete.class);
    }

    @Test
    void endsOnlyWhenNothingIsLeft() throws Exception {
        var _ = task().create(create("box"));
        var _ = task().shutdown(ShutdownRequest.newBuilder().setId("box").build());
        // It answers first and looks then.
        Until.holds("the first one is over", () -> handled.get() == 2);
        assertThat(shutdowns).hasValue(0);
        task.end("", 0);
        var _ = task().delete(DeleteRequest.newBuilder().setId("box").build());
        var _ = task().shutdown(ShutdownRequest.newBuilder().setId("box").build());
        Until.holds("shutdown", () -> shutdowns.get() == 1);
        assertFails(Code.UNAVAILABLE, "shutting down", () -> task().create(create("box")));
    }

    @Test
    void theDeletionIsPublishedAfterTheExit() throws Exception {
        var _ = task().create(create("box"));
        var answer = new CompletableFuture<dev.jshim.proto.v2.task2.DeleteResponse>();
        TaskGrpc.newStub(channel).delete(DeleteRequest.newBuilder().setId("box").build(), into(answer));
        Until.holds("deleted", () -> task.calls().contains("delete "));
        task.end("", 9);
        answer.get(10, TimeUnit.SECONDS);
        assertThat(events())
                .extracting(event -> (Object) event.getClass())
                .containsExactly(TaskCreate.class, TaskExit.class, TaskDelete.class);
    }
}
