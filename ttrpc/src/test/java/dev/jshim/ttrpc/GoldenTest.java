package dev.jshim.ttrpc;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.proto.v1.shim.ShimGrpc;
import io.grpc.BindableService;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What Go peers said to each other, taken down from their sockets; see golden/README.md. */
@Timeout(20)
class GoldenTest {
    private static final String NAMESPACE = "containerd-namespace-ttrpc";

    @TempDir
    private Path directory;

    static byte[] golden(String name) throws IOException {
        try (InputStream in = GoldenTest.class.getResourceAsStream("/golden/" + name + ".bin")) {
            assertThat(in).as(name).isNotNull();
            return in.readAllBytes();
        }
    }

    static List<Frame> frames(byte[] bytes) throws IOException {
        FrameReader reader = new FrameReader(Channels.newChannel(new ByteArrayInputStream(bytes)));
        List<Frame> frames = new ArrayList<>();
        for (Frame frame = reader.next(); frame != null; frame = reader.next()) {
            frames.add(frame);
        }
        return frames;
    }

    @ParameterizedTest
    @ValueSource(strings = {"v1-1.6-client", "v2-1.6-client", "v2-2.1-client"})
    void encodesRequestsToTheSameBytes(String name) throws IOException {
        for (Frame frame : frames(golden(name))) {
            Request request = Request.decode(frame.data());
            assertThat(request.service()).isNotEmpty();
            assertThat(request.frame(frame.streamId(), frame.flags()))
                    .isEqualTo(Frame.of(frame.streamId(), Frame.REQUEST, (byte) 0, frame.data()));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"v1-1.6-server", "v2-1.6-server", "v2-2.1-server", "refusals-1.6-server", "refusals-2.1-server"})
    void encodesResponsesToTheSameBytes(String name) throws IOException {
        for (Frame frame : frames(golden(name))) {
            Response response = Response.decode(frame.data());
            assertThat(response.frame(frame.streamId()))
                    .isEqualTo(Frame.of(frame.streamId(), Frame.RESPONSE, (byte) 0, frame.data()));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"v1-1.6", "v2-1.6", "v2-2.1"})
    void servesWhatADaemonSent(String name) throws Exception {
        byte[] said = golden(name + "-client");
        Set<Integer> ids = new HashSet<>();
        List<String> namespaces = new ArrayList<>();
        for (Frame frame : frames(said)) {
            ids.add(frame.streamId());
            Request.decode(frame.data()).metadata().forEach(kv -> namespaces.add(kv.key() + "=" + kv.value()));
        }
        Headers headers = new Headers();
        TtrpcServer.Builder builder = TtrpcServer.builder().intercept(headers);
        for (BindableService service : List.of(
                new ShimGrpc.ShimImplBase() {},
                new dev.jshim.proto.v2.task2.TaskGrpc.TaskImplBase() {},
                new dev.jshim.proto.v2.task3.TaskGrpc.TaskImplBase() {})) {
            builder.addService(service);
        }
        try (Fixture fixture = new Fixture(builder);
                RawPeer peer = fixture.raw()) {
            peer.write(said);
            Set<Integer> answered = new HashSet<>();
            for (int i = 0; i < ids.size(); i++) {
                Frame frame = requireNonNull(peer.read());
                StatusMessage status =
                        requireNonNull(Response.decode(frame.data()).status());
                assertThat(status.message()).startsWith("Method ").endsWith(" is unimplemented");
                answered.add(frame.streamId());
            }
            assertThat(answered).isEqualTo(ids);
            assertThat(headers.seen).containsExactlyInAnyOrderElementsOf(namespaces);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"v1-1.6", "v2-1.6", "v2-2.1"})
    void talksAsADaemonDid(String name) throws Exception {
        List<Request> requests = new ArrayList<>();
        for (Frame frame : frames(golden(name + "-client"))) {
            requests.add(Request.decode(frame.data()));
        }
        byte[] answers = golden(name + "-server");
        Map<Integer, Response> byId = new HashMap<>();
        for (Frame frame : frames(answers)) {
            byId.put(frame.streamId(), Response.decode(frame.data()));
        }
        Path socket = directory.resolve("s");
        try (ServerSocketChannel listener = Fixture.listen(socket);
                TtrpcChannel channel = TtrpcChannel.connect(socket, Fixture.LONG);
                RawPeer shim = new RawPeer(listener.accept())) {
            List<CompletableFuture<Object>> results = new ArrayList<>();
            for (Request request : requests) {
                results.add(call(channel, request));
            }
            for (int i = 0; i < requests.size(); i++) {
                Frame frame = requireNonNull(shim.read());
                assertThat(frame.streamId()).isEqualTo(2 * i + 1);
                assertThat(withoutTimeout(Request.decode(frame.data()))).isEqualTo(withoutTimeout(requests.get(i)));
            }
            shim.write(answers);
            for (int i = 0; i < requests.size(); i++) {
                Response response = requireNonNull(byId.get(2 * i + 1));
                StatusMessage status = response.status();
                Object expected =
                        status == null ? hex(response.payload().copy()) : status.code() + " " + status.message();
                assertThat(results.get(i).get(10, TimeUnit.SECONDS)).isEqualTo(expected);
            }
        }
    }

    /** The words of Go servers for what they refuse; they differ in what they say of bytes that are no message. */
    @ParameterizedTest
    @ValueSource(strings = {"refusals-2.1"})
    void refusesInTheSameWords(String name) throws Exception {
        try (Fixture fixture = new Fixture(
                        TtrpcServer.builder().addService(new dev.jshim.proto.v2.task3.TaskGrpc.TaskImplBase() {}));
                RawPeer peer = fixture.raw()) {
            List<Frame> expected = frames(golden(name + "-server"));
            int next = 0;
            for (Frame said : frames(golden(name + "-client"))) {
                peer.write(Frame.of(said.streamId(), said.type(), said.flags(), said.data()));
                if (said.type() == Frame.CANCEL) {
                    continue;
                }
                StatusMessage go = Response.decode(expected.get(next++).data()).status();
                StatusMessage ours = peer.error(said.streamId());
                if (go == null) {
                    assertThat(ours.message()).contains("is unimplemented");
                } else {
                    assertThat(ours.code()).isEqualTo(go.code());
                    if (!go.message().contains("parse")) {
                        assertThat(ours.message()).isEqualTo(go.message());
                    }
                }
            }
            assertThat(next).isEqualTo(expected.size());
        }
    }

    private static List<Object> withoutTimeout(Request request) {
        Payload payload = request.payload() == null ? Payload.EMPTY : request.payload();
        return List.of(request.service(), request.method(), hex(payload.copy()), request.metadata());
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    private static CompletableFuture<Object> call(TtrpcChannel channel, Request request) {
        CompletableFuture<Object> result = new CompletableFuture<>();
        CallOptions options = request.timeoutNanos() == 0
                ? CallOptions.DEFAULT
                : CallOptions.DEFAULT.withDeadlineAfter(10, TimeUnit.SECONDS);
        ClientCall<byte[], byte[]> call =
                channel.newCall(RawMethods.of(MethodType.UNARY, request.service(), request.method()), options);
        call.start(
                new ClientCall.Listener<>() {
                    @Override
                    public void onMessage(byte[] message) {
                        result.complete(hex(message));
                    }

                    @Override
                    public void onClose(Status status, Metadata trailers) {
                        String text = status.getDescription() == null ? "" : status.getDescription();
                        result.complete(status.getCode().value() + " " + text);
                    }
                },
                request.headers());
        call.request(2);
        call.sendMessage(
                request.payload() == null ? new byte[0] : request.payload().copy());
        call.halfClose();
        return result;
    }

    private static final class Headers implements ServerInterceptor {
        final ConcurrentLinkedQueue<String> seen = new ConcurrentLinkedQueue<>();

        @Override
        public <Q, R> ServerCall.Listener<Q> interceptCall(
                ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
            String namespace = headers.get(Metadata.Key.of(NAMESPACE, Metadata.ASCII_STRING_MARSHALLER));
            if (namespace != null) {
                seen.add(NAMESPACE + "=" + namespace);
            }
            return next.startCall(call, headers);
        }
    }
}
