package dev.jshim.bridge.exit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.bridge.FakeDaemon;
import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.node.NodePaths;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where containerd is, and which one answers there. */
class ContainerdTest {
    @TempDir
    Path folder;

    private BridgePaths paths;
    private Path socket;
    private Containerd containerd;

    @BeforeEach
    void setUp() throws Exception {
        paths = new BridgePaths(new NodePaths(folder.resolve("root"), folder.resolve("state")));
        Files.createDirectories(paths.directory());
        socket = folder.resolve("c.sock");
        containerd = new Containerd(paths, place(socket), false);
    }

    private static Containerd.Place place(Path socket) {
        return new Containerd.Place(socket, Path.of(socket + ".ttrpc"));
    }

    @Test
    void oneThatRunsOnIsTheSame() throws Exception {
        assertThat(containerd.seen()).isEmpty();
        String first;
        try (var _ = new FakeDaemon(socket, false)) {
            first = containerd.seen();
            assertThat(first).isNotEmpty().doesNotContain("\n");
            Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-------"));
            assertThat(containerd.seen()).isEqualTo(first);
        }
        assertThat(containerd.seen()).as("its socket is left").isEmpty();
        try (var _ = new FakeDaemon(socket, false)) {
            assertThat(containerd.seen()).isNotEmpty().isNotEqualTo(first);
        }
    }

    @Test
    void oneThatHangsDoesNotAnswer() throws Exception {
        try (var _ = new FakeDaemon(socket, true)) {
            assertThat(containerd.seen()).isEmpty();
        }
    }

    @Test
    void thePlaceThatWasSaidLastCountsForTheNextBridge() throws Exception {
        var moved = place(folder.resolve("moved.sock"));
        containerd.follow(moved);
        assertThat(containerd.place()).isEqualTo(moved);
        assertThat(new Containerd(paths, place(socket), true).place()).isEqualTo(moved);
        assertThat(new Containerd(paths, place(socket), false).place()).isEqualTo(place(socket));
        Files.writeString(paths.containerd(), "nonsense");
        assertThat(new Containerd(paths, place(socket), true).place()).isEqualTo(place(socket));
    }
}
