package dev.jshim.node.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Empty;
import dev.jshim.node.Answer;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.socket.UnixGrpc;
import dev.jshim.proto.v2.containerd.version.VersionGrpc;
import dev.jshim.proto.v2.containerd.version.VersionResponse;
import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Processes that are thought up, with locks, sockets and files that are there. */
@Timeout(90)
class RootDaemonTest {
    private static final Duration LONG = Duration.ofSeconds(30);

    @TempDir
    private Path directory;

    private final List<Server> servers = new ArrayList<>();
    private Path said;

    @BeforeEach
    void setUp() throws IOException {
        said = directory.resolve("said.sock");
        link("self/ns/mnt", "mnt:[1]");
        put("locks", "");
        put("self/stat", "");
    }

    @AfterEach
    void tearDown() {
        servers.forEach(Server::shutdownNow);
    }

    /** As NixOS calls it; no configuration knows its socket. */
    @Test
    void whoHasTheLockIsItWhateverItIsCalled() throws IOException {
        holder(71, "/nix/store/bin/.containerd-wrapped", "root");
        listens(71, 1, serve("elsewhere.sock", "2.1.9"));

        var found = daemon("root").find();

        assertThat(found.holder()).isEqualTo("process 71 (.containerd-wrapped)");
        assertThat(found.socket()).isEqualTo(directory.resolve("elsewhere.sock"));
        assertThat(found.version().orNull()).isEqualTo(new ContainerdVersion("2.1.9", ""));
        assertThat(daemon("root").socket()).isEqualTo(directory.resolve("elsewhere.sock"));
        assertThat(DaemonProcess.all(proc())).singleElement().satisfies(process -> {
            assertThat(process.hasRoot(directory.resolve("root"))).isTrue();
            assertThat(process.settings().paths().root()).isEqualTo(directory.resolve("root"));
        });
    }

    /** It is asked on what looks like its gRPC socket, and neither of the others delays that. */
    @Test
    void ofSeveralSocketsTheOneThatAnswers() throws IOException {
        holder(71, "/usr/bin/containerd", "root");
        try (var ttrpc = mute("a.sock.ttrpc");
                var debug = mute("a-debug.sock")) {
            listens(71, 1, directory.resolve("a.sock.ttrpc"));
            listens(71, 2, directory.resolve("a-debug.sock"));
            listens(71, 3, serve("z.sock", "2.1.9"));
            assertThat(ttrpc.isOpen() && debug.isOpen()).isTrue();
            assertThat(daemon("root").find().socket()).isEqualTo(directory.resolve("z.sock"));
            assertThat(daemon("root").socket()).isEqualTo(directory.resolve("z.sock"));
        }
    }

    /** Such as k3s's, which may listen nowhere that we can see; and one that hangs. */
    @Test
    void oneThatDoesNotAnswerIsNotAbsent() throws IOException {
        holder(71, "/usr/local/bin/k3s", "root");
        assertThat(daemon("root").find())
                .isEqualTo(new RootDaemon.Found("process 71 (k3s)", said, new Answer.Mute<>(Duration.ZERO), ""));

        try (var mute = mute("mute.sock")) {
            assertThat(mute.isOpen()).isTrue();
            listens(71, 1, directory.resolve("mute.sock"));
            var found = daemon("root", Duration.ofMillis(200)).find();
            assertThat(found.holder()).isEqualTo("process 71 (k3s)");
            assertThat(found.version()).isInstanceOf(Answer.Mute.class);
        }
    }

    /** A name that a later one has taken leads to that one: what answers there is not what it says. */
    @Test
    void aSocketThatAnotherHasTakenSince() throws IOException {
        holder(71, "/usr/bin/containerd", "root");
        var taken = serve("taken.sock", "1.6.20");
        listens(71, 1, taken);
        put("71/net/unix", "0: 00000002 00000000 00010000 0001 01 999 " + taken + "\n", StandardOpenOption.APPEND);
        assertThat(daemon("root").find().version().orNull()).isNull();
    }

    /** Its directories have other names there. */
    @Test
    void oneInAnotherMountNamespace() throws IOException {
        holder(71, "/usr/bin/containerd", "root");
        Files.createSymbolicLink(directory.resolve("proc/71/root"), directory);
        Files.delete(directory.resolve("proc/71/ns/mnt"));
        link("71/ns/mnt", "mnt:[2]");
        serve("inside.sock", "2.1.9");
        listens(71, 1, Path.of("/inside.sock"));
        var found = daemon("root").find();
        assertThat(found.version().orNull()).isNotNull();
        assertThat(found.socket()).isEqualTo(directory.resolve("proc/71/root/inside.sock"));
    }

    @Test
    void nobodyHasTheLock() throws IOException {
        assertThat(daemon("root").find().version()).isInstanceOf(Answer.Absent.class);
        assertThat(daemon("root").socket()).isNull();

        // It is about to start: what answers is believed.
        serve("said.sock", "2.1.9");
        assertThat(daemon("root").find())
                .satisfies(found -> assertThat(found.holder()).isEmpty())
                .satisfies(found -> assertThat(found.version().orNull()).isNotNull());
    }

    /** Docker's and the system's, say: the one on the default socket is not asked about the other's containers. */
    @Test
    void theDaemonOfAnotherRootIsNotThisOnes() throws IOException {
        holder(71, "/usr/bin/containerd", "other");
        listens(71, 1, serve("said.sock", "2.1.9"));
        var found = daemon("root").find();
        assertThat(found.rival())
                .isEqualTo("process 71 (containerd) listens on " + said + ", and its root is "
                        + directory.resolve("other"));
        assertThat(found.version()).isEqualTo(new Answer.Absent<>(found.rival()));
        try (var client = found.client(LONG)) {
            assertThat(client.containers("ns")).isInstanceOf(Answer.Absent.class);
        }

        holder(72, "/usr/bin/containerd", "root");
        listens(72, 5, serve("own.sock", "1.6.20"));
        var own = daemon("root").find();
        assertThat(own.socket()).isEqualTo(directory.resolve("own.sock"));
        assertThat(own.rival())
                .as("the socket that was said is another's still")
                .isEqualTo(found.rival());
    }

    /** A link to the root, or a bind mount of it, is the same root. */
    @Test
    void anotherNameOfTheRoot() throws IOException {
        holder(71, "/usr/bin/containerd", "root");
        listens(71, 1, serve("c.sock", "2.1.9"));
        Files.createSymbolicLink(directory.resolve("alias"), directory.resolve("root"));
        assertThat(daemon("alias").find().holder()).isEqualTo("process 71 (containerd)");
    }

    @Test
    void aReaderIsNoDaemonAndAStrangerIsNotAsked() throws IOException {
        holder(71, "/usr/bin/bbolt", "root");
        var locks = Files.readString(directory.resolve("proc/locks"));
        put("locks", locks.replace("WRITE", "READ"));
        assertThat(daemon("root").find().version()).isInstanceOf(Answer.Absent.class);

        put("locks", locks);
        put("71/status", "Uid:\t4711\t4711\t4711\t4711\n");
        listens(71, 1, serve("c.sock", "1.6.20"));
        assertThat(daemon("root").find().holder()).isEqualTo("process 71 (bbolt)");
        assertThat(daemon("root").find().version().orNull()).isNull();
        assertThat(daemon("root").socket()).isNull();
        assertThat(DaemonProcess.all(proc())).isEmpty();
    }

    /** By a real lock, of a process that this /proc does not show. */
    @Test
    void heldBySomebodyWhoCannotBeSeen() throws Exception {
        var file = metadata("root");
        var holder = new ProcessBuilder("flock", "--exclusive", file.toString(), "sh", "-c", "echo; exec sleep 1000")
                .start();
        try {
            assertThat(holder.getInputStream().read()).isEqualTo('\n');
            var found = daemon("root").find();
            assertThat(found.holder()).isEqualTo("a process in another pid namespace");
            assertThat(found.version()).isInstanceOf(Answer.Mute.class);
            // As on a file system whose inodes have other numbers in /proc/locks.
            holder(71, "/usr/bin/containerd", "root");
            put("locks", "");
            assertThat(daemon("root").find().holder()).isEqualTo("process 71 (containerd)");
            // In the real one it is seen.
            assertThat(new RootDaemon(directory.resolve("root"), said, LONG)
                            .find()
                            .holder())
                    .startsWith("process ");
        } finally {
            holder.descendants().forEach(ProcessHandle::destroyForcibly);
            holder.destroyForcibly().waitFor(30, TimeUnit.SECONDS);
        }
    }

    private RootDaemon daemon(String root) {
        return daemon(root, LONG);
    }

    private RootDaemon daemon(String root, Duration timeout) {
        return new RootDaemon(directory.resolve(root), said, timeout, proc());
    }

    private ProcFs proc() {
        return new ProcFs(directory.resolve("proc"));
    }

    private Path metadata(String root) throws IOException {
        var folder = Files.createDirectories(directory.resolve(root).resolve("io.containerd.metadata.v1.bolt"));
        var file = folder.resolve("meta.db");
        return Files.exists(file) ? file : Files.createFile(file);
    }

    private void holder(int pid, String program, String root) throws IOException {
        var file = metadata(root);
        var name = Path.of(program).getFileName().toString();
        put(pid + "/stat", pid + " (" + name + ") S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 0 0 1 0 5 0 0\n");
        put(pid + "/cmdline", program + "\0--config\0/none\0");
        var user = Files.getAttribute(file, "unix:uid");
        put(pid + "/status", "Uid:\t1\t" + user + "\t1\t1\n");
        put(pid + "/net/unix", "Num       RefCount Protocol Flags    Type St Inode Path\n");
        link(pid + "/ns/mnt", "mnt:[1]");
        link(pid + "/fd/5", file.toString());
        var lock =
                pid + ": FLOCK  ADVISORY  WRITE " + pid + " 00:99:" + Files.getAttribute(file, "unix:ino") + " 0 EOF\n";
        put("locks", "1: POSIX  ADVISORY  WRITE 1 fe:00:9 0 EOF\n" + lock, StandardOpenOption.APPEND);
    }

    private void listens(int pid, int inode, Path socket) throws IOException {
        link(pid + "/fd/" + (100 + inode), "socket:[" + inode + "]");
        put(
                pid + "/net/unix",
                "ffff: 00000002 00000000 00010000 0001 01 " + inode + " " + socket + "\n",
                StandardOpenOption.APPEND);
    }

    private Path serve(String name, String version) throws IOException {
        UnixGrpc.hushNetty();
        var socket = directory.resolve(name);
        var group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
        servers.add(NettyServerBuilder.forAddress(UnixDomainSocketAddress.of(socket))
                .channelType(NioServerDomainSocketChannel.class)
                .bossEventLoopGroup(group)
                .workerEventLoopGroup(group)
                .addService(new VersionGrpc.VersionImplBase() {
                    @Override
                    public void version(Empty request, StreamObserver<VersionResponse> out) {
                        out.onNext(
                                VersionResponse.newBuilder().setVersion(version).build());
                        out.onCompleted();
                    }
                })
                .build()
                .start());
        return socket;
    }

    private ServerSocketChannel mute(String name) throws IOException {
        return ServerSocketChannel.open(StandardProtocolFamily.UNIX)
                .bind(UnixDomainSocketAddress.of(directory.resolve(name)));
    }

    private void put(String file, String text, StandardOpenOption... more) throws IOException {
        var path = directory.resolve("proc").resolve(file);
        Files.createDirectories(path.getParent());
        if (more.length == 0) {
            Files.writeString(path, text);
        } else {
            Files.writeString(path, text, StandardOpenOption.CREATE, more[0]);
        }
    }

    private void link(String file, String target) throws IOException {
        var path = directory.resolve("proc").resolve(file);
        Files.createDirectories(path.getParent());
        Files.createSymbolicLink(path, Path.of(target));
    }
}
