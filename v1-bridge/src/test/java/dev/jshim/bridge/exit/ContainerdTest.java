package dev.jshim.bridge.exit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.bridge.FakeDaemon;
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

    private Path socket;
    private Containerd containerd;

    @BeforeEach
    void setUp() {
        socket = folder.resolve("c.sock");
        containerd = new Containerd(socket);
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
}
