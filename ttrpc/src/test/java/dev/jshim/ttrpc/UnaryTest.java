package dev.jshim.ttrpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.common.util.concurrent.ListenableFuture;
import com.google.protobuf.Any;
import com.google.protobuf.Empty;
import com.google.protobuf.StringValue;
import dev.jshim.proto.v2.task2.ConnectRequest;
import dev.jshim.proto.v2.task2.ConnectResponse;
import dev.jshim.proto.v2.task2.KillRequest;
import dev.jshim.proto.v2.task2.PauseRequest;
import dev.jshim.proto.v2.task2.PidsRequest;
import dev.jshim.proto.v2.task2.PidsResponse;
import dev.jshim.proto.v2.task2.ResumeRequest;
import dev.jshim.proto.v2.task2.StateRequest;
import dev.jshim.proto.v2.task2.StateResponse;
import dev.jshim.proto.v2.task2.StatsRequest;
import dev.jshim.proto.v2.task2.StatsResponse;
import dev.jshim.proto.v2.task2.TaskGrpc;
import dev.jshim.proto.v2.task2.WaitRequest;
import dev.jshim.proto.v2.task2.WaitResponse;
import io.grpc.CallOptions;
import io.grpc.ClientInterceptors;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class UnaryTest {
    private static final Metadata.Key<String> NAMESPACE =
            Metadata.Key.of("containerd-namespace-ttrpc", Metadata.ASCII_STRING_MARSHALLER);

    private final FailingTask task = new FailingTask();
    private final EchoTask echo = task.echo;
    private final BlockingQueue<Metadata> headers = new LinkedBlockingQueue<>();
    private Fixture fixture;
    private TtrpcChannel channel;
    private TaskGrpc.TaskBlockingStub stub;

    @BeforeEach
    void start() throws IOException {
        fixture = new Fixture(TtrpcServer.builder().addService(task).intercept(new Recorder()));
        channel = fixture.channel();
        stub = TaskGrpc.newBlockingStub(channel);
    }

    @AfterEach
    void stop() throws IOException {
        fixture.close();
    }

    @Test
    void answersInAThreadOfItsOwn() {
        StateResponse response =
                stub.state(StateRequest.newBuilder().setId("c1").build());
        assertThat(response.getId()).isEqualTo("c1");
        assertThat(response.getStdout()).startsWith("ttrpc-call-");
    }

    @Test
    void answersInAnyOrderAndWithoutAThreadThatWaits() throws Exception {
        TaskGrpc.TaskFutureStub futures = TaskGrpc.newFutureStub(channel);
        int calls = 500;
        List<ListenableFuture<WaitResponse>> answers = new ArrayList<>();
        for (int i = 0; i < calls; i++) {
            answers.add(futures.wait(WaitRequest.newBuilder().setId("c" + i).build()));
        }
        for (int i = calls - 1; i >= 0; i--) {
            EchoTask.Waiting waiting = echo.waiting("c" + i);
            assertThat(waiting.began.await(10, TimeUnit.SECONDS)).isTrue();
            // From a platform thread, as a reaper would.
            waiting.answers.onNext(WaitResponse.newBuilder().setExitStatus(i).build());
            waiting.answers.onCompleted();
            assertThat(answers.get(i).get(10, TimeUnit.SECONDS).getExitStatus()).isEqualTo(i);
        }
    }

    @Test
    void carriesMetadataAsText() throws Exception {
        Metadata sent = new Metadata();
        sent.put(NAMESPACE, "k8s.io");
        sent.put(NAMESPACE, "again");
        sent.put(Metadata.Key.of("skipped-bin", Metadata.BINARY_BYTE_MARSHALLER), new byte[] {1});
        TaskGrpc.newBlockingStub(ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(sent)))
                .state(StateRequest.getDefaultInstance());

        Metadata seen = headers.poll(10, TimeUnit.SECONDS);
        assertThat(seen).isNotNull().satisfies(metadata -> {
            assertThat(metadata.getAll(NAMESPACE)).containsExactly("k8s.io", "again");
            assertThat(metadata.keys()).containsExactly(NAMESPACE.name());
        });
    }

    @Test
    void carriesAnEmptyAnswer() {
        assertThat(stub.pause(PauseRequest.getDefaultInstance())).isEqualTo(Empty.getDefaultInstance());
    }

    @Test
    void carriesAStatusAndItsDetails() {
        StatusRuntimeException e = failure(() -> stub.kill(KillRequest.getDefaultInstance()));
        assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.NOT_FOUND);
        assertThat(e.getStatus().getDescription()).isEqualTo("no such process: ünïcode");
        assertThat(StatusProto.fromThrowable(e)).isEqualTo(FailingTask.DETAILED);
    }

    @Test
    void answersWithAStatusThatWasThrown() {
        StatusRuntimeException e = failure(() -> stub.pids(PidsRequest.getDefaultInstance()));
        assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.FAILED_PRECONDITION);
        assertThat(e.getStatus().getDescription()).isEqualTo("thrown");
    }

    @Test
    void outlivesAHandlerThatFails() {
        StatusRuntimeException e = failure(() -> stub.connect(ConnectRequest.getDefaultInstance()));
        assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.UNKNOWN);
        assertThat(e.getStatus().getDescription()).isEqualTo("Application error processing RPC");
        assertThat(stub.state(StateRequest.newBuilder().setId("alive").build()).getId())
                .isEqualTo("alive");
    }

    @Test
    void outlivesAHandlerThatCompletesWithoutAnAnswer() {
        StatusRuntimeException e = failure(() -> stub.stats(StatsRequest.getDefaultInstance()));
        assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.INTERNAL);
    }

    @Test
    void namesWhatIsNotThere() {
        StatusRuntimeException service = failure(() ->
                ClientCalls.blockingUnaryCall(channel, RawMethods.unary("Any"), CallOptions.DEFAULT, new byte[0]));
        assertThat(service.getStatus().getCode()).isEqualTo(Status.Code.UNIMPLEMENTED);
        assertThat(service.getStatus().getDescription()).isEqualTo("service test.Raw");
        StatusRuntimeException method = failure(() -> ClientCalls.blockingUnaryCall(
                channel, RawMethods.of(MethodType.UNARY, EchoTask.SERVICE, "Dance"), CallOptions.DEFAULT, new byte[0]));
        assertThat(method.getStatus().getCode()).isEqualTo(Status.Code.UNIMPLEMENTED);
        assertThat(method.getStatus().getDescription()).isEqualTo("method Dance");
        StatusRuntimeException left = failure(() -> stub.resume(ResumeRequest.getDefaultInstance()));
        assertThat(left.getStatus().getCode()).isEqualTo(Status.Code.UNIMPLEMENTED);
    }

    @Test
    void servesManyConnections() throws Exception {
        for (int i = 0; i < 20; i++) {
            TaskGrpc.TaskBlockingStub other = TaskGrpc.newBlockingStub(fixture.channel());
            assertThat(other.state(StateRequest.newBuilder().setId("c" + i).build())
                            .getId())
                    .isEqualTo("c" + i);
        }
        assertThat(fixture.server.connections()).isEqualTo(21);
    }

    static StatusRuntimeException failure(ThrowingCallable call) {
        return catchThrowableOfType(StatusRuntimeException.class, call);
    }

    private final class Recorder implements ServerInterceptor {
        @Override
        public <Q, R> ServerCall.Listener<Q> interceptCall(
                ServerCall<Q, R> call, Metadata metadata, ServerCallHandler<Q, R> next) {
            headers.add(metadata);
            return next.startCall(call, metadata);
        }
    }

    /** State and Wait as {@link EchoTask}; the others fail, each in its way. */
    private static final class FailingTask extends TaskGrpc.TaskImplBase {
        static final com.google.rpc.Status DETAILED = com.google.rpc.Status.newBuilder()
                .setCode(Status.Code.NOT_FOUND.value())
                .setMessage("no such process: ünïcode")
                .addDetails(Any.pack(StringValue.of("one")))
                .addDetails(Any.pack(StringValue.of("two")))
                .build();

        final EchoTask echo = new EchoTask();

        @Override
        public void state(StateRequest request, StreamObserver<StateResponse> answers) {
            echo.state(request, answers);
        }

        @Override
        public void wait(WaitRequest request, StreamObserver<WaitResponse> answers) {
            echo.wait(request, answers);
        }

        @Override
        public void pause(PauseRequest request, StreamObserver<Empty> answers) {
            answers.onNext(Empty.getDefaultInstance());
            answers.onCompleted();
        }

        @Override
        public void kill(KillRequest request, StreamObserver<Empty> answers) {
            answers.onError(StatusProto.toStatusRuntimeException(DETAILED));
        }

        @Override
        public void pids(PidsRequest request, StreamObserver<PidsResponse> answers) {
            throw Status.FAILED_PRECONDITION.withDescription("thrown").asRuntimeException();
        }

        @Override
        public void connect(ConnectRequest request, StreamObserver<ConnectResponse> answers) {
            throw new IllegalStateException("on purpose");
        }

        @Override
        public void stats(StatsRequest request, StreamObserver<StatsResponse> answers) {
            answers.onCompleted();
        }
    }
}
