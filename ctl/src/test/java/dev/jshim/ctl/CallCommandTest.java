package dev.jshim.ctl;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Empty;
import dev.jshim.proto.v1.types.Status;
import dev.jshim.proto.v2.task2.KillRequest;
import dev.jshim.proto.v2.task2.StateRequest;
import dev.jshim.proto.v2.task2.StateResponse;
import dev.jshim.proto.v2.task2.TaskGrpc;
import dev.jshim.proto.v2.task2.WaitRequest;
import dev.jshim.proto.v2.task2.WaitResponse;
import dev.jshim.ttrpc.TtrpcServer;
import io.grpc.stub.StreamObserver;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code call}, to a v2 shim that notes what it is asked. */
@Timeout(60)
class CallCommandTest {
    @TempDir
    private Path directory;

    private final List<KillRequest> kills = new ArrayList<>();
    private FakeNode node = new FakeNode(Path.of("/"));
    private TtrpcServer server = TtrpcServer.builder().build();

    @BeforeEach
    void serve() throws Exception {
        node = new FakeNode(directory);
        var bundle = node.state.resolve("io.containerd.runtime.v2.task/default/web");
        Files.createDirectories(bundle);
        Files.writeString(bundle.resolve("config.json"), "{}");
        var socket = directory.resolve("v2");
        Files.writeString(bundle.resolve("address"), "unix://" + socket);
        server = TtrpcServer.builder().addService(new Noting()).build();
        server.serve(ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(socket)));
    }

    @AfterEach
    void close() throws Exception {
        server.close();
        node.close();
    }

    @Test
    void theAnswerIsText() {
        assertThat(Result.on(node, "call", "web", "State")).isEqualTo(new Result(0, "id: \"web\"\npid: 7\n", ""));
        assertThat(Result.on(node, "call", "w", "State", "-o", "json").out())
                .contains("\"call\": \"State\"", "\"response\": \"id: \\\"web\\\"\\npid: 7\\n\"");
    }

    @Test
    void theRequestIsTextAndTheIdIsPutIn() {
        assertThat(Result.on(node, "call", "web", "Kill", "exec_id: 'e' signal: 9")
                        .code())
                .isZero();
        assertThat(kills)
                .containsExactly(KillRequest.newBuilder()
                        .setId("web")
                        .setExecId("e")
                        .setSignal(9)
                        .build());
    }

    @Test
    void wrongWays() throws Exception {
        node.task("default", "old", Status.RUNNING);

        refused(2, "unknown call \"Sate\"", "it is one of State", "web", "Sate");
        refused(2, "the request cannot be read", "its fields are [id, exec_id, signal, all]", "web", "Kill", "sig: 9");
        refused(2, "names a container other than default/web", "leave the id out", "web", "Kill", "id: 'other'");
        refused(1, "default/old has a v1 shim", "jshimctl inspect old", "old", "State");
        refused(1, "answered UNIMPLEMENTED", "", "web", "Pause");
        refused(1, "no task \"db\"", "", "db", "State");
        node.patience("1s");
        refused(1, "did not answer within 1000 ms", "--timeout TIME gives it more time", "web", "Wait");
        assertThat(kills).isEmpty();
    }

    private void refused(int code, String message, String hint, String... args) {
        var all = new ArrayList<>(List.of("call"));
        all.addAll(List.of(args));
        var result = Result.on(node, all.toArray(String[]::new));
        assertThat(result.err()).startsWith("jshimctl: ").contains(message).contains(hint);
        assertThat(result.out()).isEmpty();
        assertThat(result.code()).isEqualTo(code);
    }

    private final class Noting extends TaskGrpc.TaskImplBase {
        @Override
        public void state(StateRequest request, StreamObserver<StateResponse> out) {
            out.onNext(
                    StateResponse.newBuilder().setId(request.getId()).setPid(7).build());
            out.onCompleted();
        }

        @Override
        public void kill(KillRequest request, StreamObserver<Empty> out) {
            kills.add(request);
            out.onNext(Empty.getDefaultInstance());
            out.onCompleted();
        }

        @Override
        public void wait(WaitRequest request, StreamObserver<WaitResponse> out) {
            // Never answered.
        }
    }
}
