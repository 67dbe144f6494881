package dev.jshim.shim;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Empty;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import dev.jshim.linux.ProcessId;
import dev.jshim.linux.Processes;
import dev.jshim.linux.Spawn;
import dev.jshim.linux.UnixSocket;
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
import dev.jshim.shim.keeper.Held;
import dev.jshim.shim.keeper.Keeper;
import dev.jshim.shim.keeper.MemoryCare;
import dev.jshim.shim.keeper.ShimPid;
import dev.jshim.shim.oci.BundleFiles;
import dev.jshim.shim.oci.Spec;
import dev.jshim.task.ShimLog;
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
 *
 * <p>Under a keeper it has two JVMs, as a shim whose JVM dies: the first leaves a container that runs and kills itself.
 * The second, of which the cache is made, does what the first JVM of a shim does at its start, goes on as the one
 * before, and sees to a container from its beginning to its end.
 */
final class Training {
    private static final String ID = "training";
    private static final String NEXT = "next";
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
        List<Held> held = keeper == null ? List.of() : keeper.takeAll();
        for (var each : held) {
            if (each.isListening() && keeper != null) {
                return goOn(keeper, held, each);
            }
        }
        var folder = Files.createTempDirectory("jshim-training");
        try {
            begin(folder, keeper);
            return 0;
        } finally {
            deleteAll(folder);
        }
    }

    private static Path bundle(Path folder, String id) throws IOException {
        var bundle = Files.createDirectory(folder.resolve(id));
        Files.writeString(
                bundle.resolve("config.json"),
                "{\"annotations\":{\"a\":\"b\"},\"process\":{\"user\":{\"uid\":0}},\"linux\":{\"namespaces\":[{\"type\":\"pid\"}]}}");
        for (var fifo : new String[] {"in", "out", "err", "log"}) {
            FileCalls.mkfifo(bundle.resolve(fifo), 0600);
        }
        return bundle;
    }

    /** Stands in for containerd, at the same place in both JVMs. */
    private static TtrpcServer sink(Path folder) throws IOException {
        var socket = folder.resolve("events.sock");
        Files.deleteIfExists(socket);
        var events = TtrpcServer.builder().addService(new Sink()).build();
        events.serve(TtrpcTransport.listen(socket));
        return events;
    }

    /** What a start does before it serves; a shim that nobody serves yet. */
    private record Founded(GroupFolder group, ShimNote note, Reply answer) {}

    private static Founded found(Path folder, Path bundle, String id) throws Exception {
        var flags = Flags.parse("-namespace", "training", "-id", id, "start");
        var _ = new Start(flags, bundle, _ -> Any.getDefaultInstance(), null);
        var stdin = Any.newBuilder().setTypeUrl("containerd.runc.v1.Options").build();
        var sink = folder.resolve("events.sock").toString();
        var input = StartInput.of(stdin.toByteArray(), flags, sink);
        // What a node's own configuration is read with, too, if it says something.
        var text = dev.jshim.proto.v2.runtimeoptions.Options.newBuilder()
                .setConfigBody(ByteString.copyFromUtf8("# a node's\nGrouping = \"container\"\n"))
                .build();
        var settings = Options.read(Any.newBuilder()
                .setTypeUrl("runtimeoptions.v1.Options")
                .setValue(text.toByteString())
                .build());
        var self = ProcessId.of(ShimPid.get());
        var generation = Generation.of(self.pid(), "2");
        var name = Group.of(settings.grouping(), Spec.read(bundle), flags.id());
        var group = GroupFolder.of(folder.resolve("s-" + id), flags.address(), flags.namespace(), name);
        if (group.join() != null) {
            throw new IllegalStateException("a fresh folder has a shim");
        }
        var socket = group.socket(folder.resolve("d-" + id));
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
        BundleFiles.writeText(bundle, "address", answer.addressFile());
        return new Founded(group, note, answer);
    }

    private static void answer(Founded founded) throws IOException {
        var noReader = FileCalls.open(Path.of("/dev/null"), OpenFlags.O_WRONLY, 0);
        new StartReply(noReader).ok(founded.answer().text());
    }

    private static void writeRuntime(Path folder) throws IOException {
        var runtime = folder.resolve("runtime");
        Files.writeString(runtime, RUNTIME);
        Files.setPosixFilePermissions(runtime, PosixFilePermissions.fromString("rwx------"));
    }

    /** The first JVM; it ends here if there is a keeper that starts another one. */
    private static void begin(Path folder, @Nullable Keeper keeper) throws Exception {
        var bundle = bundle(folder, ID);
        var log = ShimLog.open(bundle, true);
        if (keeper != null && log != null) {
            keeper.keep(Daemon.LOG, log);
        }
        Housekeeping.run(false, "");
        writeRuntime(folder);
        spawn();
        var events = sink(folder);
        var founded = found(folder, bundle, ID);
        var daemon = new Daemon(founded.group(), founded.note(), _ -> Any.getDefaultInstance(), keeper, List.of());
        daemon.serve();
        answer(founded);
        try (var channel = TtrpcChannel.connect(founded.note().socket(), PATIENCE);
                var _ = FileCalls.open(bundle.resolve("out"), READER, 0);
                var _ = FileCalls.open(bundle.resolve("err"), READER, 0)) {
            var shim = asContainerd(channel);
            create(shim, folder, ID);
            exec(shim, folder, ID);
            if (keeper != null) {
                Thread.ofVirtual()
                        .start(() ->
                                shim.wait(WaitRequest.newBuilder().setId(ID).build()));
                look(shim, ID);
                daemon.serving();
                Processes.kill(Processes.getpid(), Processes.SIGKILL);
            }
            end(shim, ID);
            var _ = shim.shutdown(ShutdownRequest.newBuilder().setId(ID).build());
        }
        daemon.awaitEnd();
        events.close();
    }

    /** runc is found by its name; the script has a path. */
    private static void spawn() throws IOException {
        var _ = Wait.pid(Spawn.command("true", List.of()).start(), true);
    }

    /** The JVM that comes after the first one. */
    private static int goOn(Keeper keeper, List<Held> held, Held listener) throws Exception {
        var folder = Path.of(listener.name()).resolve("../..").normalize();
        try {
            if (keeper.restarts() > 1) {
                throw new IllegalStateException("the JVM before has failed");
            }
            var bundle = bundle(folder, NEXT);
            var _ = ShimLog.open(bundle, true);
            Housekeeping.run(false, "");
            spawn();
            var events = sink(folder);
            var founded = found(folder, bundle, NEXT);
            UnixSocket.listen(founded.note().socket()).close();
            answer(founded);
            var socket = ShimNote.read(Path.of(listener.name())).socket();
            var client = Thread.ofPlatform().start(() -> drive(keeper, folder, socket));
            new Restart(keeper, held, listener, _ -> Any.getDefaultInstance()).run();
            client.join();
            MemoryCare.rest();
            events.close();
            return 0;
        } catch (Exception e) {
            keeper.end(); // else it would start the next one
            throw e;
        } finally {
            deleteAll(folder);
        }
    }

    private static void drive(Keeper keeper, Path folder, Path socket) {
        var bundle = folder.resolve(NEXT);
        try (var channel = TtrpcChannel.connect(socket, PATIENCE);
                var _ = FileCalls.open(bundle.resolve("out"), READER, 0);
                var _ = FileCalls.open(bundle.resolve("err"), READER, 0)) {
            var shim = asContainerd(channel);
            look(shim, ID);
            end(shim, ID);
            create(shim, folder, NEXT);
            look(shim, NEXT);
            exec(shim, folder, NEXT);
            end(shim, NEXT);
            var _ = shim.shutdown(ShutdownRequest.newBuilder().setId(NEXT).build());
        } catch (IOException | RuntimeException e) {
            e.printStackTrace();
            keeper.end();
            Runtime.getRuntime().halt(1);
        }
    }

    /** containerd sends its namespace with each call. */
    private static TaskGrpc.TaskBlockingStub asContainerd(TtrpcChannel channel) {
        var metadata = new Metadata();
        metadata.put(Metadata.Key.of("containerd-namespace-ttrpc", Metadata.ASCII_STRING_MARSHALLER), "training");
        return TaskGrpc.newBlockingStub(channel).withInterceptors(MetadataUtils.newAttachHeadersInterceptor(metadata));
    }

    private static void create(TaskGrpc.TaskBlockingStub shim, Path folder, String id) {
        var bundle = folder.resolve(id);
        var options = dev.jshim.proto.v2.runc.Options.newBuilder()
                .setBinaryName(folder.resolve("runtime").toString())
                .setRoot(folder.resolve("root").toString())
                .build();
        var _ = shim.connect(ConnectRequest.newBuilder().setId(id).build());
        var _ = shim.create(CreateTaskRequest.newBuilder()
                .setId(id)
                .setBundle(bundle.toString())
                .setStdin(bundle.resolve("in").toString())
                .setStdout(bundle.resolve("out").toString())
                .setStderr(bundle.resolve("err").toString())
                .setOptions(Any.newBuilder()
                        .setTypeUrl("containerd.runc.v1.Options")
                        .setValue(options.toByteString()))
                .build());
        var _ = shim.start(StartRequest.newBuilder().setId(id).build());
    }

    private static void look(TaskGrpc.TaskBlockingStub shim, String id) {
        var _ = shim.state(StateRequest.newBuilder().setId(id).build());
        var _ = shim.pids(PidsRequest.newBuilder().setId(id).build());
        var _ = shim.stats(StatsRequest.newBuilder().setId(id).build());
    }

    private static void exec(TaskGrpc.TaskBlockingStub shim, Path folder, String id) {
        var _ = shim.exec(ExecProcessRequest.newBuilder()
                .setId(id)
                .setExecId("exec")
                .setStdout(folder.resolve(id).resolve("out").toString())
                .setSpec(Any.newBuilder().setValue(ByteString.copyFromUtf8("{}")))
                .build());
        var _ = shim.start(StartRequest.newBuilder().setId(id).setExecId("exec").build());
    }

    private static void end(TaskGrpc.TaskBlockingStub shim, String id) {
        try {
            var _ = shim.kill(KillRequest.newBuilder().setId(id).setSignal(15).build());
        } catch (StatusRuntimeException expected) {
            ShimLog.debug("as the script has it", "error", expected.getMessage());
        }
        var _ = shim.closeIO(
                CloseIORequest.newBuilder().setId(id).setStdin(true).build());
        var _ = shim.wait(WaitRequest.newBuilder().setId(id).setExecId("exec").build());
        var _ = shim.delete(
                DeleteRequest.newBuilder().setId(id).setExecId("exec").build());
        var _ = shim.kill(KillRequest.newBuilder().setId(id).setSignal(9).build());
        var _ = shim.wait(WaitRequest.newBuilder().setId(id).build());
        var _ = shim.delete(DeleteRequest.newBuilder().setId(id).build());
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
