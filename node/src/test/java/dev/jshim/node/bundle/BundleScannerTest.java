package dev.jshim.node.bundle;

import static dev.jshim.node.bundle.Bundles.with;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.node.bundle.V2Bundle.Protocol;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.socket.UnixSocketTable;
import dev.jshim.node.survey.Node;
import dev.jshim.task.ShimSocket;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BundleScannerTest {
    private static final String SHA_OF_NS_ID =
            "/containerd-shim/" + "5fac6d261ce2b141fb306379f49b369314e0f558974b34c27d56d3f75a45f168.sock";

    @TempDir
    private Path directory;

    private Bundles bundles = new Bundles(Path.of("/"));

    @BeforeEach
    void setUp() {
        bundles = new Bundles(directory);
    }

    private Node read(String... listening) {
        var scanner = new BundleScanner(bundles.paths, new UnixSocketTable(Set.of(listening), Set.of()));
        return new Node(bundles.paths, scanner.scan(), scanner.problems());
    }

    @Test
    void nothingThere() {
        assertThat(read().bundles()).isEmpty();
        assertThat(read().problems()).isEmpty();
    }

    @Test
    void goodV1Bundle() throws IOException {
        var path = bundles.v1("ns", "id");
        with(path, "address", "unix:///run/containerd/s/abc\n");
        with(path, "init.pid", "42");
        with(path, "shim.pid", "41\n");
        assertThat(read().v1()).singleElement().satisfies(b -> {
            assertThat(b.task()).isEqualTo(new TaskId("ns", "id"));
            assertThat(b.path()).isEqualTo(path);
            assertThat(b.work()).isEqualTo(directory.resolve("root/io.containerd.runtime.v1.linux/ns/id"));
            assertThat(b.initPid()).isEqualTo(42);
            assertThat(b.recordedShimPid()).isEqualTo(41);
            assertThat(b.socket()).isEqualTo(new ShimSocket.Named(Path.of("/run/containerd/s/abc")));
            assertThat(b.problems()).isEmpty();
        });
    }

    @Test
    void abstractNamesOfOldShims() throws IOException {
        bundles.v1("ns", "id");
        var task = new TaskId("ns", "id");
        var first = "/containerd-shim/ns/id/shim.sock";
        var hashed = V1Address.hashedName(task);
        assertThat(hashed).isEqualTo(SHA_OF_NS_ID);
        assertThat(read(first, hashed).v1().getFirst().socket()).isEqualTo(new ShimSocket.Abstract(first));
        assertThat(read(hashed).v1().getFirst().socket()).isEqualTo(new ShimSocket.Abstract(hashed));
        var none = read("/containerd-shim/ns/other/shim.sock").v1().getFirst();
        assertThat(none.socket()).isNull();
        assertThat(none.problems()).singleElement().asString().contains("no address file");
    }

    /** Nor are they for containerd: through one a container would be there under two names. */
    @Test
    void linksAreNoBundles() throws IOException {
        var path = bundles.v1("ns", "id");
        Files.createSymbolicLink(path.resolveSibling("other"), path);
        Files.createSymbolicLink(
                path.resolve("../../ns2").normalize(), path.resolve("..").normalize());
        assertThat(read().v1()).extracting(bundle -> bundle.task().toString()).containsExactly("ns/id");
    }

    @Test
    void nameWithALineEndIsListed() throws IOException {
        bundles.v1("ns", "a\nb");
        assertThat(read().v1())
                .singleElement()
                .satisfies(bundle -> assertThat(bundle.task().id()).isEqualTo("a\nb"));
    }

    @Test
    void addressFileGoesBeforeNames() throws IOException {
        with(bundles.v1("ns", "id"), "address", "/bare/name.sock");
        assertThat(read("/containerd-shim/ns/id/shim.sock").v1().getFirst().socket())
                .isEqualTo(new ShimSocket.Abstract("/bare/name.sock"));
    }

    @ParameterizedTest(name = "{0} = {1}")
    @CsvSource(
            delimiter = '|',
            value = {
                "address     | ''           | the address is empty",
                "address     | unix://      | the address is empty",
                "address     | tcp://x:1    | not a path",
                "init.pid    | abc          | init.pid does not contain a pid",
                "init.pid    | -1           | init.pid does not contain a pid",
                "shim.pid    | ''           | shim.pid does not contain a pid",
                "config.json | '{'          | config.json is not valid",
                "config.json | '[]'         | not a JSON object",
                "config.json | '{\"process\":{\"args\":7}}' | config.json is not valid",
            })
    void brokenFilesAreSaid(String file, String text, String problem) throws IOException {
        var path = with(bundles.v1("ns", "id"), "address", "unix:///s");
        with(path, file, text);
        assertThat(read().v1())
                .singleElement()
                .satisfies(
                        b -> assertThat(b.problems()).singleElement().asString().contains(problem));
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "\"io.kubernetes.cri.sandbox-namespace\":\"shop\",\"io.kubernetes.cri.sandbox-name\":\"web\",\"io.kubernetes.cri.container-name\":\"nginx\" | shop/web/nginx",
                "\"io.kubernetes.cri.sandbox-namespace\":\"shop\",\"io.kubernetes.cri.sandbox-name\":\"web\" | shop/web",
                "\"io.kubernetes.cri.sandbox-id\":\"abc\",\"other\":\"x\" | null",
            })
    void annotationsNameThePod(String annotations, String pod) throws IOException {
        with(bundles.v1("ns", "id"), "config.json", "{\"annotations\":{" + annotations + "}}");
        assertThat(read().v1())
                .singleElement()
                .satisfies(b -> assertThat(String.valueOf(b.pod())).isEqualTo(pod));
    }

    @Test
    void oddKindsOfFilesAreNotOpened() throws IOException {
        var path = bundles.v1("ns", "id");
        Files.delete(path.resolve("config.json"));
        Files.createDirectory(path.resolve("config.json"));
        Files.createDirectory(path.resolve("address"));
        with(path, "shim.pid", "1".repeat(10_000));
        assertThat(read().v1())
                .singleElement()
                .satisfies(b -> assertThat(b.problems())
                        .containsExactlyInAnyOrder(
                                "config.json is not a regular file",
                                "address is not a regular file",
                                "shim.pid is longer than 8192 bytes"));
    }

    @Test
    void hiddenNamesAndFilesAreSkipped() throws IOException {
        bundles.v1("ns", ".being-deleted");
        bundles.v1(".hidden", "id");
        bundles.v2("ns", ".being-deleted");
        Files.writeString(bundles.paths.v1State().resolve("ns/file"), "");
        assertThat(read().bundles()).isEmpty();
    }

    @Test
    void sortedByTaskAndV1First() throws IOException {
        bundles.v2("b", "x");
        bundles.v2("a", "y");
        bundles.v1("a", "y");
        assertThat(read().bundles())
                .extracting(b -> b.getClass().getSimpleName() + " " + b.task())
                .containsExactly("V1Bundle a/y", "V2Bundle a/y", "V2Bundle b/x");
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(
            delimiter = '|',
            value = {
                "address        | unix:///run/x                                                       | file     | 2 | TTRPC",
                "address        | /containerd-shim/x.sock                                             | abstract | 2 | TTRPC",
                "address        | {\"version\":2,\"address\":\"unix:///run/x\",\"protocol\":\"ttrpc\"} | file   | 2 | TTRPC",
                "bootstrap.json | {\"version\":3,\"address\":\"unix:///run/x\",\"protocol\":\"ttrpc\"} | file   | 3 | TTRPC",
                "bootstrap.json | {\"version\":3,\"address\":\"/run/x\",\"protocol\":\"grpc\"}         | file   | 3 | GRPC",
            })
    void v2Addresses(String file, String text, String kind, int version, Protocol protocol) throws IOException {
        with(bundles.v2("ns", "id"), file, text);
        assertThat(read().v2()).singleElement().satisfies(b -> {
            assertThat(b.problems()).isEmpty();
            assertThat(b.endpoint().version()).isEqualTo(version);
            assertThat(b.endpoint().protocol()).isEqualTo(protocol);
            assertThat(b.socket()).isNotNull().extracting(ShimSocket::kind).isEqualTo(kind);
        });
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"{", "{\"version\":\"x\",\"address\":\"unix:///a\"}", "{\"version\":2}", "{\"address\":[1,2]}"})
    void brokenBootstrap(String text) throws IOException {
        with(bundles.v2("ns", "id"), "bootstrap.json", text);
        assertThat(read().v2()).singleElement().satisfies(b -> {
            assertThat(b.socket()).isNull();
            assertThat(b.problems()).singleElement().asString().startsWith("bootstrap.json: ");
        });
    }

    @Test
    void oneTaskIsReadAsAmongAll() throws IOException {
        var v1 = bundles.v1("ns", "both");
        bundles.v2("ns", "both");
        bundles.v2("ns", "other");
        Files.createSymbolicLink(v1.resolveSibling("linked"), v1);
        for (var id : List.of("both", "other", "linked", "none")) {
            var task = new TaskId("ns", id);
            assertThat(Node.read(bundles.paths, ProcFs.system(), task).bundles())
                    .isEqualTo(read().bundles().stream()
                            .filter(bundle -> bundle.task().equals(task))
                            .toList())
                    .hasSize(id.equals("both") ? 2 : id.equals("other") ? 1 : 0);
        }
    }

    @Test
    void oldNameIsKnownByTheBinary() throws IOException {
        with(bundles.v2("ns", "a"), "shim-binary-path", "/opt/jshim/bin/containerd-shim-v1-linux\n");
        with(bundles.v2("ns", "b"), "shim-binary-path", "/usr/bin/containerd-shim-runc-v2");
        bundles.v2("ns", "c");
        with(bundles.v2("ns", "in-a"), "sandbox", "a");
        with(bundles.v2("ns", "in-none"), "sandbox", "../../elsewhere");
        assertThat(read().v2()).extracting(V2Bundle::hasLegacyName).containsExactly(true, false, false, true, false);
    }

    @Test
    void configSummary() {
        assertThat(OciConfigReader.parse(Bundles.CONFIG)).isInstanceOfSatisfying(OciConfig.Spec.class, spec -> {
            assertThat(spec.args()).containsExactly("sleep", "100");
            assertThat(spec.namespaces()).containsExactly("pid", "network:/run/netns/x");
            assertThat(spec.cgroupsPath()).isEqualTo("/ns/id");
            assertThat(spec.terminal()).isTrue();
        });
        assertThat(OciConfigReader.parse("{}")).isInstanceOf(OciConfig.Spec.class);
        assertThat(OciConfigReader.parse("[".repeat(100_000))).isInstanceOf(OciConfig.Broken.class);
    }
}
