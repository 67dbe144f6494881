package dev.jshim.node.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.node.NodePaths;
import dev.jshim.node.process.ProcFs;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Processes that are thought up, with sockets and files that are there. */
@Timeout(60)
class DockerDaemonTest {
    private static final Duration LONG = Duration.ofSeconds(30);
    private static final Path SYSTEM = Path.of("/run/containerd/containerd.sock");

    @TempDir
    private Path directory;

    private final List<ServerSocketChannel> servers = new ArrayList<>();
    private NodePaths paths;

    @BeforeEach
    void setUp() throws IOException {
        paths = new NodePaths(directory.resolve("root"), directory.resolve("state"));
        link("self/ns/mnt", "mnt:[1]");
        put("proc/7/net/unix", "");
    }

    @AfterEach
    void tearDown() throws IOException {
        for (var server : servers) {
            server.close();
        }
    }

    @Test
    void whatItSaysItself() throws IOException {
        put("daemon.json", "{\"live-restore\": true}");
        docker("--config-file=" + directory.resolve("daemon.json"), "--containerd", directory.resolve("c.sock") + "");
        listens(1, serve("docker.sock", "{\"LiveRestoreEnabled\": false, \"Name\": \"x\"}"));

        assertThat(found(directory.resolve("c.sock"))).singleElement().satisfies(docker -> {
            assertThat(docker.pid()).isEqualTo(7);
            assertThat(docker.liveRestore(LONG)).isFalse();
            assertThat(docker.problem(LONG)).asString().contains("process 7, has live-restore off", "kill -HUP 7");
        });
    }

    @Test
    void itIsOnAndTheNextOneKnows() throws IOException {
        put("daemon.json", "{\"live-restore\": true, \"containerd\": \"" + directory.resolve("c.sock") + "\"}");
        docker("--config-file", directory.resolve("daemon.json") + "");
        listens(1, serve("docker.sock", "{\"LiveRestoreEnabled\": true}"));

        assertThat(found(directory.resolve("c.sock")))
                .singleElement()
                .satisfies(docker -> assertThat(docker.problem(LONG)).isNull());
    }

    @Test
    void itIsOnAndTheNextOneDoesNotKnow() throws IOException {
        docker("--config-file=" + directory.resolve("none.json"), "--containerd=unix://" + directory.resolve("c.sock"));
        listens(1, serve("docker.sock", "{\"LiveRestoreEnabled\": true}"));

        assertThat(found(directory.resolve("c.sock")))
                .singleElement()
                .satisfies(docker -> assertThat(docker.problem(LONG))
                        .asString()
                        .contains("none.json", "the next dockerd would end its containers"));
    }

    /** Another of its sockets, one that is mute, and one where somebody says something else. */
    @Test
    void ofSeveralSocketsTheOneThatSaysIt() throws IOException {
        docker("--live-restore", "--containerd=" + directory.resolve("c.sock"));
        listens(1, mute("a.sock"));
        listens(2, serve("metrics.sock", "404 page not found"));
        listens(3, serve("z.sock", "{\"LiveRestoreEnabled\": true}"));

        assertThat(found(directory.resolve("c.sock"))).singleElement().satisfies(docker -> {
            assertThat(docker.liveRestore(Duration.ofMillis(500))).isTrue();
            assertThat(docker.problem(Duration.ofMillis(500))).isNull();
        });
    }

    @Test
    void oneThatCannotBeAskedIsTakenByItsCommandLine() throws IOException {
        docker("--live-restore=false", "--containerd=" + directory.resolve("c.sock"));
        assertThat(found(directory.resolve("c.sock"))).singleElement().satisfies(docker -> {
            assertThat(docker.liveRestore(LONG)).isNull();
            assertThat(docker.problem(LONG)).isNotNull();
        });
    }

    @Test
    void whoseItIs() throws IOException {
        docker("--exec-root=" + directory.resolve("exec"));
        assertThat(found(directory.resolve("c.sock"))).isEmpty();
        assertThat(found(SYSTEM)).as("the system's, if it is told of none").hasSize(1);

        process(8, 7, "containerd", "--config", "x");
        assertThat(found(SYSTEM)).as("it has started its own").isEmpty();
        paths = new NodePaths(directory.resolve("root"), directory.resolve("exec/containerd/daemon"));
        assertThat(found(directory.resolve("c.sock"))).hasSize(1);
    }

    private List<DockerDaemon> found(Path address) {
        return DockerDaemon.of(new ProcFs(directory.resolve("proc")), paths, address);
    }

    private void docker(String... words) throws IOException {
        var argv = new ArrayList<>(List.of("dockerd"));
        argv.addAll(List.of(words));
        process(7, 1, argv.toArray(String[]::new));
        link("7/ns/mnt", "mnt:[1]");
    }

    private void process(int pid, int parent, String... argv) throws IOException {
        put("proc/" + pid + "/stat", pid + " (" + argv[0] + ") S " + parent + " 1 1 0 -1 0" + " 0".repeat(45));
        put("proc/" + pid + "/cmdline", String.join("\0", argv) + "\0");
    }

    private void listens(int inode, Path socket) throws IOException {
        link("7/fd/" + inode, "socket:[" + inode + "]");
        var table = directory.resolve("proc/7/net/unix");
        Files.writeString(
                table,
                Files.readString(table) + "0: 00000002 00000000 00010000 0001 01 " + inode + " " + socket + "\n");
    }

    private Path mute(String name) throws IOException {
        var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        servers.add(server);
        server.bind(UnixDomainSocketAddress.of(directory.resolve(name)));
        return directory.resolve(name);
    }

    private Path serve(String name, String body) throws IOException {
        var path = mute(name);
        var server = servers.getLast();
        Thread.ofVirtual().start(() -> {
            while (true) {
                try (var client = server.accept()) {
                    client.read(ByteBuffer.allocate(1000));
                    var answer = "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + body;
                    client.write(ByteBuffer.wrap(answer.getBytes(StandardCharsets.UTF_8)));
                } catch (IOException e) {
                    return;
                }
            }
        });
        return path;
    }

    private void put(String name, String text) throws IOException {
        var file = directory.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private void link(String name, String target) throws IOException {
        var link = directory.resolve("proc").resolve(name);
        Files.createDirectories(link.getParent());
        Files.createSymbolicLink(link, Path.of(target));
    }
}
