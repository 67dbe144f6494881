package dev.jshim.node.survey;

import static dev.jshim.node.bundle.Bundles.with;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.node.bundle.Bundles;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.socket.NodeSocket;
import dev.jshim.node.socket.NodeSocket.Verdict;
import dev.jshim.node.socket.SocketFacts;
import dev.jshim.task.ShimSocket;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SocketSurveyTest {
    @TempDir
    private Path directory;

    private ServerSocketChannel listen(String name, String mode) throws IOException {
        var path = Files.createDirectories(directory.resolve("s")).resolve(name);
        var socket = ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(path));
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
        return socket;
    }

    private List<NodeSocket> survey(Bundles bundles) {
        return new SocketSurvey(ProcFs.system(), List.of(directory.resolve("s")), Duration.ofSeconds(10))
                .of(Node.read(bundles.paths)).stream()
                        .filter(socket -> socket.facts().socket().address().contains(directory.toString()))
                        .toList();
    }

    @Test
    void verdicts() throws IOException {
        var bundles = new Bundles(directory);
        with(bundles.v1("ns", "a"), "address", "unix://" + directory.resolve("s/named"));
        with(bundles.v1("ns", "b"), "address", "unix://" + directory.resolve("s/nowhere"));
        listen("stale", "rw-------").close();
        try (var named = listen("named", "rwxr-xr-x");
                var unnamed = listen("unnamed", "rw-------")) {
            assertThat(named.isOpen() && unnamed.isOpen()).isTrue();
            assertThat(survey(bundles).stream()
                            .collect(Collectors.toMap(
                                    socket -> Path.of(socket.facts()
                                                    .socket()
                                                    .address()
                                                    .substring("unix://".length()))
                                            .getFileName()
                                            .toString(),
                                    NodeSocket::verdict)))
                    .isEqualTo(Map.of(
                            "named", Verdict.OK,
                            "nowhere", Verdict.GONE,
                            "stale", Verdict.STALE,
                            "unnamed", Verdict.UNNAMED));
        }
    }

    @Test
    void peersAreCounted() throws IOException {
        try (var socket = listen("x", "rw-------");
                var one = SocketChannel.open(socket.getLocalAddress());
                var accepted = socket.accept()) {
            assertThat(one.isConnected() && accepted.isOpen()).isTrue();
            var facts = SocketFacts.of(
                    new ShimSocket.Named(directory.resolve("s/x")),
                    ProcFs.system().unixSockets());
            assertThat(facts.listening()).isTrue();
            assertThat(facts.peers()).isEqualTo(1);
            assertThat(facts.mode()).isEqualTo(0600);
        }
    }

    @Test
    void exposure() {
        var abstractName = new SocketFacts(new ShimSocket.Abstract("/x"), true, null, null, true, 0);
        assertThat(abstractName.exposure()).contains("CVE-2020-15257");
        assertThat(new NodeSocket(abstractName, List.of(), null).verdict()).isEqualTo(Verdict.EXPOSED);
        assertThat(new SocketFacts(new ShimSocket.Named(Path.of("/run/x")), true, 0666, 0, true, 0).exposure())
                .isEqualTo("mode 0666 gives access to others than its owner");
        // to connect takes the right to write
        assertThat(new SocketFacts(new ShimSocket.Named(Path.of("/run/x")), true, 0755, 0, true, 0).exposure())
                .isEmpty();
    }
}
