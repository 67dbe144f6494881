package dev.jshim.bridge.serve;

import com.google.protobuf.Empty;
import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.bridge.record.Directories;
import dev.jshim.bridge.record.PrivateSocket;
import dev.jshim.linux.ProcessId;
import dev.jshim.proto.v1.shim.ListPidsRequest;
import dev.jshim.proto.v1.shim.ListPidsResponse;
import dev.jshim.proto.v1.shim.ShimGrpc;
import dev.jshim.proto.v1.shim.ShimInfoResponse;
import dev.jshim.proto.v1.shim.StateRequest;
import dev.jshim.proto.v1.shim.StateResponse;
import dev.jshim.proto.v1.shim.WaitRequest;
import dev.jshim.proto.v1.shim.WaitResponse;
import dev.jshim.proto.v1.types.ProcessInfo;
import dev.jshim.proto.v1.types.Status;
import dev.jshim.proto.v2.bridge.AdoptRequest;
import dev.jshim.proto.v2.bridge.BridgeGrpc;
import dev.jshim.proto.v2.bridge.ListRequest;
import dev.jshim.proto.v2.task2.ConnectRequest;
import dev.jshim.proto.v2.task2.PidsRequest;
import dev.jshim.proto.v2.task2.StatsRequest;
import dev.jshim.proto.v2.task2.TaskGrpc;
import dev.jshim.shim.keeper.MemoryCare;
import dev.jshim.ttrpc.TtrpcChannel;
import dev.jshim.ttrpc.TtrpcServer;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * The run that the AOT cache is made of: a bridge in a temporary directory adopts a stand-in for a v1 shim, and is
 * asked what containerd asks at its start.
 */
public final class Training {
    private static final Duration TIMEOUT = Duration.ofSeconds(10);

    private Training() {}

    public static int run() throws IOException {
        var folder = Files.createTempDirectory("jshim-train");
        var flags = BridgeFlags.parse(
                "-root", folder + "/root", "-state", folder + "/state", "-address", folder + "/none.sock");
        var socket = folder.resolve("v1.sock");
        var shim = TtrpcServer.builder().addService(new StandIn()).build();
        shim.serve(PrivateSocket.listen(socket));
        try (var daemon = BridgeDaemon.start(flags)) {
            adopt(new BridgePaths(flags.paths()), folder, socket);
            daemon.bridge().stop();
        } finally {
            shim.close();
            Directories.removeUnmounted(folder);
        }
        return 0;
    }

    private static void adopt(BridgePaths paths, Path folder, Path socket) throws IOException {
        var self = self();
        var own = folder.resolve("train").resolve("c");
        var record = new AdoptedRecord("train", "c", own, own, self, self, "unix://" + socket, "runc", folder);
        try (var control = TtrpcChannel.connect(paths.control(), TIMEOUT)) {
            var bridge = BridgeGrpc.newBlockingStub(control);
            var adopted = bridge.adopt(
                    AdoptRequest.newBuilder().setRecord(record.text()).build());
            try (var channel = TtrpcChannel.connect(Path.of(adopted.getSocket()), TIMEOUT)) {
                var task = TaskGrpc.newBlockingStub(channel);
                var _ = task.connect(ConnectRequest.newBuilder().setId("c").build());
                var _ = task.pids(PidsRequest.newBuilder().setId("c").build());
                var _ = task.state(dev.jshim.proto.v2.task2.StateRequest.newBuilder()
                        .setId("c")
                        .build());
                var _ = task.stats(StatsRequest.newBuilder().setId("c").build());
            }
            var _ = bridge.list(ListRequest.getDefaultInstance());
            MemoryCare.rest();
        }
    }

    private static ProcessId self() throws IOException {
        var self = ProcessId.find((int) ProcessHandle.current().pid());
        if (self == null) {
            throw new IOException("/proc does not show this process");
        }
        return self;
    }

    /** Answers for a container whose init is this very process; nothing ever signals it. */
    private static final class StandIn extends ShimGrpc.ShimImplBase {
        private static final int PID = (int) ProcessHandle.current().pid();

        @Override
        public void state(StateRequest r, StreamObserver<StateResponse> answer) {
            answer.onNext(StateResponse.newBuilder()
                    .setPid(PID)
                    .setStatus(Status.RUNNING)
                    .build());
            answer.onCompleted();
        }

        @Override
        public void shimInfo(Empty r, StreamObserver<ShimInfoResponse> answer) {
            answer.onNext(ShimInfoResponse.newBuilder().setShimPid(PID).build());
            answer.onCompleted();
        }

        @Override
        public void listPids(ListPidsRequest r, StreamObserver<ListPidsResponse> answer) {
            answer.onNext(ListPidsResponse.newBuilder()
                    .addProcesses(ProcessInfo.newBuilder().setPid(PID))
                    .build());
            answer.onCompleted();
        }

        @Override
        public void wait(WaitRequest r, StreamObserver<WaitResponse> answer) {
            // Never exits.
        }
    }
}
