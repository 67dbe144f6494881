package dev.jshim.bridge.migrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OldConfigTest {
    @TempDir
    Path folder;

    @ParameterizedTest(name = "{0}")
    @ValueSource(
            strings = {
                "[plugins.linux]",
                "  [plugins.\"io.containerd.runtime.v1.linux\"]  # old",
                "[ plugins . 'io.containerd.runtime.v1.linux' ]"
            })
    void tableOfThePluginGoesAndItsCommentsStay(String header) {
        var config =
                OldConfig.of("root = \"/a\"\n" + header + "\n  # why\n  runtime = \"runc\"\n\n[debug]\n  level = 1\n");

        assertThat(config.after()).containsExactly("root = \"/a\"", "  # why", "", "[debug]", "  level = 1");
        assertThat(config.diff()).containsExactly("-" + header, "-  runtime = \"runc\"");
    }

    @Test
    void handlersGetTheNewRuntime() {
        var config = OldConfig.of("""
                [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
                  runtime_type = "io.containerd.runtime.v1.linux" # default
                [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.kata]
                  runtime_type = 'io.containerd.kata.v2'
                """);

        assertThat(config.diff())
                .containsExactly(
                        "-  runtime_type = \"io.containerd.runtime.v1.linux\" # default",
                        "+  runtime_type = \"io.containerd.runc.v2\" # default");
    }

    /** runc's v2 shim would pass over the old names, and use another program and another root. */
    @Test
    void theirOptionsGetTheNewNames() {
        var config = OldConfig.of("""
                [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.gpu.options]
                  Runtime = "/usr/bin/nvidia-container-runtime"
                  RuntimeRoot = '/run/gpu' # own
                  CriuPath = "/opt/criu"
                  SystemdCgroup = true
                [plugins."io.containerd.grpc.v1.cri".containerd.runtimes."gpu"]
                  runtime_type = "io.containerd.runtime.v1.linux"
                [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.kata.options]
                  Runtime = "stays"
                """);

        assertThat(config.diff())
                .containsExactly(
                        "-  Runtime = \"/usr/bin/nvidia-container-runtime\"",
                        "+  BinaryName = \"/usr/bin/nvidia-container-runtime\"",
                        "-  RuntimeRoot = '/run/gpu' # own",
                        "+  Root = '/run/gpu' # own",
                        "-  CriuPath = \"/opt/criu\"",
                        "-  runtime_type = \"io.containerd.runtime.v1.linux\"",
                        "+  runtime_type = \"io.containerd.runc.v2\"");
        assertThat(config.after()).contains("  SystemdCgroup = true", "  Runtime = \"stays\"");
    }

    @Test
    void othersStayAsTheyAre() {
        var text = "version = 2\n[plugins.\"io.containerd.runtime.v1.linuxes\"]\nx = [\n1,\n]\n# [plugins.linux]\n";
        assertThat(OldConfig.of(text).isChanged()).isFalse();
    }

    @Test
    void writtenWithABackupAndNeverOverOne() throws Exception {
        var file = folder.resolve("config.toml");
        Files.writeString(file, "[plugins.linux]\n  shim = \"x\"\n[debug]\n");
        var config = OldConfig.of(Files.readString(file));

        var backup = config.write(file);

        assertThat(file).hasContent("[debug]\n");
        assertThat(backup).hasContent("[plugins.linux]\n  shim = \"x\"\n[debug]\n");
        assertThatThrownBy(() -> config.write(file))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("not changed");
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactlyInAnyOrder(file, backup);
        }
    }
}
