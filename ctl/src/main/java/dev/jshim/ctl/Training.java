package dev.jshim.ctl;

import com.google.protobuf.Empty;
import com.google.protobuf.Timestamp;
import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.cli.Machine;
import dev.jshim.node.NodePaths;
import dev.jshim.node.leftover.StrayScan;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.survey.Node;
import dev.jshim.proto.v1.shim.ShimGrpc;
import dev.jshim.proto.v1.shim.StateRequest;
import dev.jshim.proto.v1.shim.StateResponse;
import dev.jshim.proto.v1.types.ProcessInfo;
import dev.jshim.proto.v1.types.Status;
import dev.jshim.proto.v2.task2.ConnectRequest;
import dev.jshim.proto.v2.task2.ConnectResponse;
import dev.jshim.proto.v2.task2.KillRequest;
import dev.jshim.proto.v2.task2.PidsRequest;
import dev.jshim.proto.v2.task2.PidsResponse;
import dev.jshim.proto.v2.task2.TaskGrpc;
import dev.jshim.ttrpc.TtrpcServer;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/** Runs what people run most, against a node of its own in a temporary directory, for the AOT cache to learn from. */
final class Training {
    /** Go's zero time, which a shim gives for what has not ended. */
    private static final Timestamp NEVER =
            Timestamp.newBuilder().setSeconds(-62135596800L).build();

    private Training() {}

    static int run() {
        try {
            var directory = Files.createTempDirectory("jshimctl-train");
            try {
                train(directory);
            } finally {
                delete(directory);
            }
            return ExitCode.OK;
        } catch (IOException e) {
            return ExitCode.FAILED;
        }
    }

    private static void train(Path directory) throws IOException {
        Files.createDirectories(directory.resolve("root"));
        var bundle = directory.resolve("state/io.containerd.runtime.v1.linux/ns/c");
        Files.createDirectories(bundle);
        Files.writeString(bundle.resolve("config.json"), "{\"process\":{\"args\":[\"sleep\"]}}");
        Files.writeString(
                bundle.resolve("init.pid"),
                Long.toString(ProcessHandle.current().pid()));
        var socket = directory.resolve("s");
        Files.writeString(bundle.resolve("address"), "unix://" + socket);
        v2(directory, socket);
        strays(directory);
        try (var server = TtrpcServer.builder()
                .addService(new OneTask())
                .addService(new OneV2Task())
                .build()) {
            server.serve(
                    ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(socket)));
            var node = new String[] {"--root", directory + "/root", "--state", directory + "/state"};
            HeadStart.beginFor("ls");
            quietly(node, "ls");
            quietly(node, "ls", "-n", "ns", "-o", "wide");
            quietly(node, "ls", "-o", "json");
            quietly(node, "inspect", "c");
            quietly(node, "inspect", "d");
            quietly(node, "pids", "c");
            quietly(node, "pids", "d");
            quietly(node, "stats", "d");
            quietly(node, "kill", "d", "-s", "CONT");
            quietly(node, "state", "c");
            quietly(node, "sockets", "-n", "ns");
            quietly(node, "find", Long.toString(ProcessHandle.current().pid()));
            quietly(node, "bundles", "-n", "ns");
            quietly(node, "metrics");
            quietly(node, "inspect", "unknown");
            quietly(node, "version");
            quietly(node, "--help");
        }
    }

    /** A v2 bundle as containerd 2.x lays it down, and what runc keeps of its container. */
    private static void v2(Path directory, Path socket) throws IOException {
        var bundle = directory.resolve("state/io.containerd.runtime.v2.task/ns/d");
        Files.createDirectories(bundle);
        var self = ProcessHandle.current().pid();
        Files.writeString(
                bundle.resolve("config.json"),
                "{\"process\":{\"args\":[\"sleep\"]},\"linux\":{\"cgroupsPath\":\"/ns/d\",\"namespaces\":[{\"type\":\"pid\"}]}}");
        Files.writeString(bundle.resolve("init.pid"), Long.toString(self));
        Files.writeString(bundle.resolve("shim-binary-path"), "/usr/bin/containerd-shim-runc-v2");
        Files.writeString(bundle.resolve("options.json"), "{\"root\":\"" + directory.resolve("runc") + "\"}");
        Files.writeString(
                bundle.resolve("bootstrap.json"),
                "{\"version\":2,\"address\":\"unix://" + socket + "\",\"protocol\":\"ttrpc\"}");
        var state = Files.createDirectories(directory.resolve("runc/ns/d"));
        Files.writeString(
                state.resolve("state.json"),
                "{\"init_process_pid\":" + self + ",\"init_process_start\":1,\"config\":{\"labels\":[\"bundle=" + bundle
                        + "\"]},\"cgroup_paths\":{\"pids\":\"/sys/fs/cgroup/pids/ns/d\"}}");
    }

    /**
     * What only some machines have, wherever this runs: a name that nobody is known to listen on, another's v1 shim.
     */
    private static void strays(Path directory) throws IOException {
        var proc = new ProcFs(directory.resolve("proc"));
        var node = Node.read(new NodePaths(directory.resolve("root"), directory.resolve("state")), proc);
        Files.writeString(
                Files.createDirectories(directory.resolve("proc/net")).resolve("unix"),
                "0: 00000002 00000000 00010000 0001 01 7 @/containerd-shim/ns/gone/shim.sock\n");
        note(node, proc);
        var shim = Files.createDirectories(directory.resolve("proc/2"));
        Files.writeString(shim.resolve("stat"), "2 (containerd-shim) S 1" + " 0".repeat(48) + "\n");
        Files.writeString(
                shim.resolve("cmdline"),
                "containerd-shim\0-workdir\0/another/" + NodePaths.V1_RUNTIME + "/ns/c\0-namespace\0ns\0");
        note(node, proc);
    }

    private static void note(Node node, ProcFs proc) {
        var found = StrayScan.of(node, proc);
        var words = Stream.concat(
                found.strays().stream().map(stray -> stray.what()),
                found.others().stream().map(other -> other.describe()));
        if (words.filter(word -> !word.isEmpty()).count() != 1) {
            throw new IllegalStateException("the strays were not found");
        }
    }

    private static void quietly(String[] options, String... command) {
        var args = new String[options.length + command.length];
        System.arraycopy(options, 0, args, 0, options.length);
        System.arraycopy(command, 0, args, options.length, command.length);
        var nowhere = new PrintWriter(Writer.nullWriter());
        var code = CommandTree.execute(Machine.ours(), nowhere, nowhere, args);
        if (code == ExitCode.INTERNAL) {
            throw new IllegalStateException("training failed");
        }
    }

    private static void delete(Path directory) throws IOException {
        try (var files = Files.walk(directory)) {
            for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    private static final class OneTask extends ShimGrpc.ShimImplBase {
        @Override
        public void state(StateRequest request, StreamObserver<StateResponse> out) {
            out.onNext(StateResponse.newBuilder()
                    .setId(request.getId())
                    .setPid((int) ProcessHandle.current().pid())
                    .setStatus(Status.RUNNING)
                    .setExitedAt(NEVER)
                    .build());
            out.onCompleted();
        }
    }

    private static final class OneV2Task extends TaskGrpc.TaskImplBase {
        @Override
        public void state(
                dev.jshim.proto.v2.task2.StateRequest request,
                StreamObserver<dev.jshim.proto.v2.task2.StateResponse> out) {
            answer(
                    out,
                    dev.jshim.proto.v2.task2.StateResponse.newBuilder()
                            .setId(request.getId())
                            .setPid((int) ProcessHandle.current().pid())
                            .setStatus(Status.RUNNING)
                            .setExitedAt(NEVER)
                            .build());
        }

        @Override
        public void connect(ConnectRequest request, StreamObserver<ConnectResponse> out) {
            answer(
                    out,
                    ConnectResponse.newBuilder()
                            .setShimPid((int) ProcessHandle.current().pid())
                            .build());
        }

        @Override
        public void pids(PidsRequest request, StreamObserver<PidsResponse> out) {
            var self = ProcessInfo.newBuilder()
                    .setPid((int) ProcessHandle.current().pid());
            answer(out, PidsResponse.newBuilder().addProcesses(self).build());
        }

        @Override
        public void kill(KillRequest request, StreamObserver<Empty> out) {
            answer(out, Empty.getDefaultInstance());
        }
    }

    private static <T> void answer(StreamObserver<T> out, T message) {
        out.onNext(message);
        out.onCompleted();
    }
}
