package dev.jshim.shim;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Empty;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import dev.jshim.linux.ProcessId;
import dev.jshim.linux.Processes;
import dev.jshim.linux.Spawn;
import dev.jshim.linux.Wait;
import dev.jshim.proto.v2.forward.EventsGrpc;
import dev.jshim.proto.v2.forward.ForwardRequest;
import dev.jshim.proto.v2.task2.CloseIORequest;
import dev.jshim.proto.v2.task2.ConnectRequest;
import dev.jshim.proto.v2.task2.CreateTaskRequest;
import dev.jshim.proto.v2.task2.DeleteRequest;
import dev.jshim.proto.v2.task2.ExecProcessRequest;
import dev.jshim.proto.v2.task2.KillRequest;
import dev.jshim.proto.v2.task2.PidsRequest;
import dev.jshim.proto.v2.task2.ShutdownRequest;
import dev.jshim.proto.v2.task2.StartRequest;
import dev.jshim.proto.v2.task2.StateRequest;
import dev.jshim.proto.v2.task2.StatsRequest;
import dev.jshim.proto.v2.task2.TaskGrpc;
import dev.jshim.proto.v2.task2.WaitRequest;
import dev.jshim.shim.config.Options;
import dev.jshim.shim.keeper.Keeper;
import dev.jshim.shim.log.ShimLog;
import dev.jshim.shim.oci.BundleFiles;
import dev.jshim.shim.oci.Spec;
import dev.jshim.ttrpc.TtrpcChannel;
import dev.jshim.ttrpc.TtrpcServer;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The run that the AOT cache is made of: one short life of a container, through the socket and back, with a script in
 * the place of the OCI runtime. What it does not touch is loaded from the jars at the first need, and slower.
 */
final class Training {
    private static final String ID = "training";
    private static final int READER = OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK;
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    /**
     * Understands just what is asked of it below: create and exec start a process and leave its pid, kill takes one
     * signal.
     */
    private static final String RUNTIME = """
            #!/bin/sh
            pid= verb=
            while [ $# -gt 0 ]; do
              case "$1" in
                --pid-file) pid=$2; shift ;;
                create|start|exec|kill|delete) verb=$1 ;;
              esac
              last=$1
              shift
            done
            case "$verb" in
              create) sleep 60 & echo $! > "$pid" ;;
              exec) sleep 0.1 & echo $! > "$pid" ;;
              kill) [ "$last" = 9 ] && kill -9 "$(cat init.pid)" || exit 1 ;;
            esac
            """;

    private Training() {}

    static int run() throws Exception {
        HeadStart.begin();
        var keeper = Keeper.inherited();
        if (keeper != null) {
            var _ = keeper.takeAll();
        }
        var folder = Files.createTempDirectory("jshim-training");
        try {
            live(folder, keeper);
            return 0;
        } finally {
            deleteAll(folder);
        }
    }

    private static void live(Path folder, @Nullable Keeper keeper) throws Exception {
        var bundle = Files.createDirectory(folder.resolve("bundle"));
        Files.writeString(
                bundle.resolve("config.json"),
                "{\"annotations\":{\"a\":\"b\"},\"process\":{\"user\":{\"uid\":0}},\"linux\":{\"namespaces\":[{\"type\":\"pid\"}]}}");
        for (var fifo : new String[] {"in", "out", "err", "log"}) {
            FileCalls.mkfifo(bundle.resolve(fifo), 0600);
        }
        ShimLog.open(bundle, true);
        Housekeeping.run(false, "");
        var runtime = folder.resolve("runtime");
        Files.writeString(runtime, RUNTIME);
        Files.setPosixFilePermissions(runtime, PosixFilePermissions.fromString("rwx------"));

        // runc is found by its name; the script below has a path
        var _ = Wait.pid(Spawn.command("true", List.of()).start(), true);

        var sink = folder.resolve("events.sock");
        var events = TtrpcServer.builder().addService(new Sink()).build();
        events.serve(TtrpcTransport.listen(sink));
        var flags = Flags.parse("-namespace", "training", "-id", ID, "start");
        var stdin = Any.newBuilder().setTypeUrl("containerd.runc.v1.Options").build();
        var input = StartInput.of(stdin.toByteArray(), flags, sink.toString());
        var settings = Options.read(input.options());
        var self = ProcessId.of(Processes.getpid());
        var generation = Generation.of(self.pid(), "2");
        var name = Group.of(settings.grouping(), Spec.read(bundle), flags.id());
        var group = GroupFolder.of(folder.resolve("s"), flags.address(), flags.namespace(), name);
        if (group.join() != null) {
            throw new IllegalStateException("a fresh folder has a shim");
        }
        var socket = group.socket(folder.resolve("d"));
        var answer = Reply.choose(settings.taskApi(), settings.protocol(), socket, generation);
        group.claim(new GroupRecord(self, 3, settings.protocol(), socket, self, answer.text()));
        var note = new ShimNote(
                flags.namespace(),
                flags.address(),
                input.ttrpcAddress(),
                settings.protocol(),
                socket,
                generation,
                null,
                false);
        note.write(group.path());
        var daemon = new Daemon(group, note, _ -> Any.getDefaultInstance(), keeper, List.of());
        BundleFiles.writeText(bundle, "address", answer.addressFile());
        daemon.serve();
        var _ = new Start(flags, bundle, _ -> Any.getDefaultInstance(), keeper);
        var noReader = FileCalls.open(Path.of("/dev/null"), OpenFlags.O_WRONLY, 0);
        new StartReply(noReader).ok(answer.text());
        try (var channel = TtrpcChannel.connect(socket, PATIENCE);
                var _ = FileCalls.open(bundle.resolve("out"), READER, 0);
                var _ = FileCalls.open(bundle.resolve("err"), READER, 0)) {
            drive(asContainerd(channel), folder, bundle, runtime);
        }
        daemon.awaitEnd();
        events.close();
    }

    /** containerd sends its namespace with each call. */
    private static TaskGrpc.TaskBlockingStub asContainerd(TtrpcChannel channel) {
        var metadata = new Metadata();
        metadata.put(Metadata.Key.of("containerd-namespace-ttrpc", Metadata.ASCII_STRING_MARSHALLER), "training");
        return TaskGrpc.newBlockingStub(channel).withInterceptors(MetadataUtils.newAttachHeadersInterceptor(metadata));
    }

    private static void drive(TaskGrpc.TaskBlockingStub shim, Path folder, Path bundle, Path runtime) {
        var options = dev.jshim.proto.v2.runc.Options.newBuilder()
                .setBinaryName(runtime.toString())
                .setRoot(folder.resolve("root").toString())
                .build();
        var _ = shim.connect(ConnectRequest.newBuilder().setId(ID).build());
        var _ = shim.create(CreateTaskRequest.newBuilder()
                .setId(ID)
                .setBundle(bundle.toString())
                .setStdin(bundle.resolve("in").toString())
                .setStdout(bundle.resolve("out").toString())
                .setStderr(bundle.resolve("err").toString())
                .setOptions(Any.newBuilder()
                        .setTypeUrl("containerd.runc.v1.Options")
                        .setValue(options.toByteString()))
                .build());
        var _ = shim.start(StartRequest.newBuilder().setId(ID).build());
        var _ = shim.state(StateRequest.newBuilder().setId(ID).build());
        var _ = shim.pids(PidsRequest.newBuilder().setId(ID).build());
        var _ = shim.stats(StatsRequest.newBuilder().setId(ID).build());
        var _ = shim.exec(ExecProcessRequest.newBuilder()
                .setId(ID)
                .setExecId("exec")
                .setStdout(bundle.resolve("out").toString())
                .setSpec(Any.newBuilder().setValue(ByteString.copyFromUtf8("{}")))
                .build());
        var _ = shim.start(StartRequest.newBuilder().setId(ID).setExecId("exec").build());
        try {
            var _ = shim.kill(KillRequest.newBuilder().setId(ID).setSignal(15).build());
        } catch (StatusRuntimeException expected) {
            ShimLog.debug("as the script has it", "error", expected.getMessage());
        }
        var _ = shim.closeIO(
                CloseIORequest.newBuilder().setId(ID).setStdin(true).build());
        var _ = shim.wait(WaitRequest.newBuilder().setId(ID).setExecId("exec").build());
        var _ = shim.delete(
                DeleteRequest.newBuilder().setId(ID).setExecId("exec").build());
        var _ = shim.kill(KillRequest.newBuilder().setId(ID).setSignal(9).build());
        var _ = shim.wait(WaitRequest.newBuilder().setId(ID).build());
        var _ = shim.delete(DeleteRequest.newBuilder().setId(ID).build());
        var _ = shim.shutdown(ShutdownRequest.newBuilder().setId(ID).build());
    }

    /** Stands in for containerd. */
    private static final class Sink extends EventsGrpc.EventsImplBase {
        @Override
        public void forward(ForwardRequest request, StreamObserver<Empty> answer) {
            answer.onNext(Empty.getDefaultInstance());
            answer.onCompleted();
        }
    }

    /** The shim may still be taking away what is its own. */
    private static void deleteAll(Path folder) throws IOException {
        Files.walkFileTree(folder, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.deleteIfExists(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException gone) {
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException gone) throws IOException {
                Files.deleteIfExists(directory);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
