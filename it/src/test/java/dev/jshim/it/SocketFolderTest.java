package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.proto.v2.bootstrap.BootstrapParams;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Where a shim's socket lies, and who joins it, under a containerd that names a folder for it as 2.3 and later do, and
 * under one that does not: by hand, with the bytes that they send.
 */
class SocketFolderTest {
    private static final String POD = "{\"annotations\":{\"io.kubernetes.cri.sandbox-id\":\"pod\"},\"linux\":{}}";
    private static final String ALONE = "{\"linux\":{}}";

    private final String namespace =
            "jt%06x".formatted(ThreadLocalRandom.current().nextInt(1 << 24));

    @TempDir
    private Path temp;

    private Path config;
    private Path sockets;

    @BeforeEach
    void configure() throws IOException {
        config = Files.writeString(temp.resolve("jshim.toml"), "Grouping = \"pod\"\n");
        sockets = temp.resolve("s");
    }

    @AfterEach
    void end() throws IOException {
        try (var bundles = Files.list(temp)) {
            for (Path bundle : bundles.filter(path -> Files.exists(path.resolve("shim.pid")))
                    .toList()) {
                kill(bundle);
                delete(bundle.getFileName().toString());
            }
        }
    }

    @Test
    void aNodesShimIsJoinedWithoutAJvmWhereverItsSocketIs() throws Exception {
        Files.writeString(config, "Grouping = \"node\"\n");

        Outcome founder = start("one", ALONE, params("one", sockets)).ok();
        assertThat(address("one")).startsWith("unix://" + sockets + "/jshim-");
        assertThat(founder.out()).contains("\"version\":3", "\"address\":\"" + address("one") + "\"");
        for (var other : Map.of("two", params("two", sockets), "three", params("three", temp.resolve("t")))
                .entrySet()) {
            assertThat(start(other.getKey(), ALONE, other.getValue()).ok().out())
                    .isEqualTo(founder.out());
            assertThat(temp.resolve(other.getKey()).resolve("jshim.err"))
                    .as("made for a JVM")
                    .doesNotExist();
            assertThat(address(other.getKey())).isEqualTo(address("one"));
        }
        assertThat(start("four", ALONE, new byte[0]).ok().out()).isEqualTo(founder.out());
        assertThat(temp.resolve("four/jshim.err")).as("made for a JVM").doesNotExist();
        assertThat(temp.resolve("t")).as("another folder for sockets").doesNotExist();
        assertThat(temp.resolve("four/shim.pid"))
                .hasSameTextualContentAs(temp.resolve("one").resolve("shim.pid"));
    }

    @Test
    void aNodesShimOfNoFolderIsJoinedUnderOneThatNamesIt() throws Exception {
        Files.writeString(config, "Grouping = \"node\"\n");

        start("one", ALONE, new byte[0]).ok();
        assertThat(address("one")).startsWith("unix:///run/jshim/s/");
        start("two", ALONE, params("two", sockets)).ok();
        assertThat(temp.resolve("two/jshim.err")).as("made for a JVM").doesNotExist();
        assertThat(address("two")).isEqualTo(address("one"));
        assertThat(sockets).doesNotExist();
    }

    /** As when containerd is upgraded under a pod, and taken back. */
    @Test
    void aPodsShimIsJoinedBothWays() throws Exception {
        start("one", POD, new byte[0]).ok();
        start("two", POD, params("two", sockets)).ok();
        assertThat(address("two")).isEqualTo(address("one")).startsWith("unix:///run/jshim/s/");

        start("three", ALONE, params("three", sockets)).ok();
        assertThat(address("three")).startsWith("unix://" + sockets + "/jshim-");
        start("three-too", POD.replace("\"pod\"", "\"three\""), new byte[0]).ok();
        assertThat(address("three-too")).isEqualTo(address("three"));
    }

    @Test
    void nothingIsLeftOfAShimThatWasKilled() throws Exception {
        start("one", ALONE, params("one", sockets)).ok();
        start("two", ALONE, new byte[0]).ok();
        Path other = Path.of(address("two").replaceFirst("^unix://", "")).getParent();
        try (var left = Files.list(sockets)) {
            assertThat(left).hasSize(1);
        }
        kill(temp.resolve("two"));

        delete("one");
        assertThat(Path.of(address("one").replaceFirst("^unix://", "")))
                .as("its shim lives")
                .exists();
        assertThat(other).exists();
        delete("two");
        assertThat(other).doesNotExist();
        kill(temp.resolve("one"));
        delete("one");
        assertThat(sockets).isEmptyDirectory();
        try (var groups = Files.list(Path.of("/run/jshim/s"))) {
            assertThat(groups.filter(group -> record(group).contains(sockets + "/")))
                    .isEmpty();
        }
    }

    private static String record(Path group) {
        try {
            return Files.readString(group.resolve("reply"));
        } catch (IOException e) {
            return ""; // another test's, which is gone by now
        }
    }

    private static void kill(Path bundle) throws IOException {
        ProcessFacts shim = ProcessFacts.of(Long.parseLong(Files.readString(bundle.resolve("shim.pid"))));
        Signal.KILL.to(shim.pid());
        Wait.until("it is dead", () -> !shim.alive());
    }

    /** What containerd 2.3 writes to the stdin of start. */
    private byte[] params(String id, Path folder) {
        return BootstrapParams.newBuilder()
                .setInstanceId(id)
                .setNamespace(namespace)
                .setContainerdVersion("v2.3.4")
                .setContainerdGrpcAddress(temp.resolve("c.sock").toString())
                .setContainerdBinary("/usr/bin/containerd")
                .setSocketDir(folder.toString())
                .build()
                .toByteArray();
    }

    private String address(String id) throws IOException {
        return Files.readString(temp.resolve(id).resolve("address"));
    }

    private Outcome start(String id, String spec, byte[] stdin) throws IOException {
        Files.writeString(Files.createDirectory(temp.resolve(id)).resolve("config.json"), spec);
        return command(id, "start", stdin);
    }

    private void delete(String id) {
        command(id, "delete", new byte[0]).ok();
    }

    private Outcome command(String id, String command, byte[] stdin) {
        return Run.of(List.of(
                        "env",
                        "-C",
                        temp.resolve(id).toString(),
                        RawShim.ours().toString(),
                        "-namespace",
                        namespace,
                        "-address",
                        temp.resolve("c.sock").toString(),
                        "-publish-binary",
                        "/usr/bin/containerd",
                        "-id",
                        id,
                        command))
                .variables(Map.of("JSHIM_CONFIG", config.toString(), "MAX_SHIM_VERSION", "2"))
                .stdin(stdin)
                .run();
    }
}
