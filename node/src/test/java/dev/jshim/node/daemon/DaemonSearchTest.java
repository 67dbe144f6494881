package dev.jshim.node.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.node.NodePaths;
import dev.jshim.node.process.ProcFs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DaemonSearchTest {
    @TempDir
    private Path directory;

    /** In the place of the default directories, so that it is of no account what this machine has there. */
    private DaemonConfig usual;

    @BeforeEach
    void setUp() throws IOException {
        usual = place("usual", false);
        Files.createDirectories(directory.resolve("proc"));
    }

    private void daemon(int pid, String... flags) throws IOException {
        var folder = Files.createDirectories(directory.resolve("proc/" + pid));
        Files.writeString(folder.resolve("stat"), pid + " (containerd) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 0 0 1 0 5 0 0\n");
        Files.writeString(folder.resolve("cmdline"), "containerd\0" + String.join("\0", flags) + "\0");
    }

    private DaemonConfig place(String name, boolean withBundles) throws IOException {
        var root = Files.createDirectories(directory.resolve(name + "/root"));
        var state = directory.resolve(name + "/state");
        if (withBundles) {
            Files.createDirectories(state.resolve(NodePaths.V2_TASKS));
        }
        return DaemonSearch.place(root.toString(), state.toString(), state + "/sock");
    }

    private DaemonConfig find(DaemonConfig... wellKnown) {
        return new DaemonSearch(new ProcFs(directory.resolve("proc")), usual, List.of(wellKnown)).find();
    }

    @Test
    void theOnlyOneThatRunsIsMeant() throws IOException {
        var config = directory.resolve("config.toml");
        Files.writeString(config, "version = 2\nroot = '/r'\nstate = '/s'\n[grpc]\naddress = '/a'\n");
        daemon(7, "--config", config.toString());
        assertThat(find(place("k3s", true)).paths()).isEqualTo(new NodePaths(Path.of("/r"), Path.of("/s")));
        assertThat(find().grpcSocket()).isEqualTo(Path.of("/a"));

        daemon(8, "--config=/none", "--state", "/other");
        assertThat(find()).as("of two nobody can tell").isEqualTo(usual);
    }

    @Test
    void whereNoneRunsTheOnlyPlaceWithBundlesIsMeant() throws IOException {
        var docker = place("docker", false);
        var k3s = place("k3s", true);
        assertThat(find(docker, k3s)).isEqualTo(k3s);
        assertThat(find(docker)).isEqualTo(usual);
        assertThat(find(k3s, place("microk8s", true))).isEqualTo(usual);
    }

    @Test
    void bundlesInTheUsualPlaceAreMeantWhateverElseThereIs() throws IOException {
        daemon(7, "--state", "/other");
        place("usual", true);
        assertThat(find(place("k3s", true))).isEqualTo(usual);
    }
}
