package dev.jshim.ctl;

import dev.jshim.proto.v1.shim.ShimGrpc;
import dev.jshim.proto.v1.shim.StateRequest;
import dev.jshim.proto.v1.shim.StateResponse;
import dev.jshim.proto.v1.types.Status;
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

/** Runs what people run most, against a node of its own in a temporary directory, for the AOT cache to learn from. */
final class Training {
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
        var bundle = directory.resolve("state/io.containerd.runtime.v1.linux/ns/c");
        Files.createDirectories(bundle);
        Files.writeString(bundle.resolve("config.json"), "{\"process\":{\"args\":[\"sleep\"]}}");
        Files.writeString(
                bundle.resolve("init.pid"),
                Long.toString(ProcessHandle.current().pid()));
        var socket = directory.resolve("s");
        Files.writeString(bundle.resolve("address"), "unix://" + socket);
        try (var server = TtrpcServer.builder().addService(new OneTask()).build()) {
            server.serve(
                    ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(socket)));
            var node = new String[] {"--root", directory + "/root", "--state", directory + "/state"};
            quietly(node, "ls");
            quietly(node, "ls", "-o", "json");
            quietly(node, "inspect", "c");
            quietly(node, "pids", "c");
            quietly(node, "state", "c");
            quietly(node, "sockets", "-n", "ns");
            quietly(node, "find", Long.toString(ProcessHandle.current().pid()));
            quietly(node, "bundles", "-n", "ns");
            quietly(node, "inspect", "unknown");
            quietly(node, "version");
            quietly(node, "--help");
        }
    }

    private static void quietly(String[] options, String... command) {
        var args = new String[options.length + command.length];
        System.arraycopy(options, 0, args, 0, options.length);
        System.arraycopy(command, 0, args, options.length, command.length);
        var nowhere = new PrintWriter(Writer.nullWriter());
        var code = CommandTree.execute(nowhere, nowhere, args);
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
                    .build());
            out.onCompleted();
        }
    }
}
