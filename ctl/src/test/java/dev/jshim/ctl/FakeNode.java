package dev.jshim.ctl;

import com.google.protobuf.Any;
import com.google.protobuf.Empty;
import dev.jshim.proto.v1.runc.ProcessDetails;
import dev.jshim.proto.v1.shim.KillRequest;
import dev.jshim.proto.v1.shim.ListPidsRequest;
import dev.jshim.proto.v1.shim.ListPidsResponse;
import dev.jshim.proto.v1.shim.ShimGrpc;
import dev.jshim.proto.v1.shim.StateRequest;
import dev.jshim.proto.v1.shim.StateResponse;
import dev.jshim.proto.v1.types.ProcessInfo;
import dev.jshim.proto.v1.types.Status;
import dev.jshim.ttrpc.TtrpcServer;
import io.grpc.stub.StreamObserver;
import java.io.Closeable;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** A node in a directory: bundles as containerd leaves them, and v1 shims that answer on real sockets. */
final class FakeNode implements Closeable {
    static final int PID = (int) ProcessHandle.current().pid();

    final Path root;
    final Path state;
    final AtomicInteger lastSignal = new AtomicInteger();
    private final List<Closeable> sockets = new ArrayList<>();

    FakeNode(Path directory) {
        this.root = directory.resolve("root");
        this.state = directory.resolve("state");
    }

    /** A bundle whose shim answers with a state. */
    Path task(String namespace, String id, Status status) throws IOException {
        var bundle = bundle(namespace, id);
        var server = TtrpcServer.builder().addService(new FakeShim(status)).build();
        server.serve(listener(bundle));
        sockets.add(server::close);
        return bundle;
    }

    /** A bundle whose shim never answers. */
    Path mute(String namespace, String id) throws IOException {
        var bundle = bundle(namespace, id);
        sockets.add(listener(bundle));
        return bundle;
    }

    /** A bundle whose shim is gone. */
    Path bundle(String namespace, String id) throws IOException {
        var bundle = state.resolve("io.containerd.runtime.v1.linux/" + namespace + "/" + id);
        Files.createDirectories(bundle);
        Files.writeString(bundle.resolve("config.json"), "{\"process\":{\"args\":[\"sleep\",\"1\\u001b[2J\"]}}");
        Files.writeString(bundle.resolve("address"), "unix:///nowhere");
        return bundle;
    }

    private ServerSocketChannel listener(Path bundle) throws IOException {
        var socket = state.resolve("s" + sockets.size());
        Files.writeString(bundle.resolve("address"), "unix://" + socket);
        return ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(socket));
    }

    @Override
    public void close() throws IOException {
        for (var each : sockets) {
            each.close();
        }
    }

    private final class FakeShim extends ShimGrpc.ShimImplBase {
        private final Status status;

        FakeShim(Status status) {
            this.status = status;
        }

        @Override
        public void state(StateRequest request, StreamObserver<StateResponse> out) {
            var answer = StateResponse.newBuilder()
                    .setId(request.getId())
                    .setPid(PID)
                    .setStatus(status)
                    .setStdout("/run/no-fifo");
            out.onNext(status == Status.STOPPED ? answer.setExitStatus(7).build() : answer.build());
            out.onCompleted();
        }

        @Override
        public void listPids(ListPidsRequest request, StreamObserver<ListPidsResponse> out) {
            var exec = ProcessDetails.newBuilder().setExecId("shell").build();
            out.onNext(ListPidsResponse.newBuilder()
                    .addProcesses(ProcessInfo.newBuilder().setPid(PID))
                    .addProcesses(
                            ProcessInfo.newBuilder().setPid(Integer.MAX_VALUE).setInfo(Any.pack(exec)))
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
    }
}
