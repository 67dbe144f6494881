package dev.jshim.node.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jshim.node.NodePaths;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DaemonConfigReaderTest {
    @TempDir
    Path folder;

    @Test
    void versionTwo() throws Exception {
        var config = read("""
                version = 2
                root = "/data/containerd"
                state = "/run/other"
                [grpc]
                  address = "/run/other/c.sock"
                [ttrpc]
                  address = "/run/other/t.sock"
                [plugins]
                  [plugins."io.containerd.grpc.v1.cri"]
                    sandbox_image = "pause:3.6"
                  [plugins.'io.containerd.runtime.v1.linux']
                    shim = "/opt/containerd-shim"
                    runtime = "/usr/bin/nvidia-container-runtime"
                    runtime_root = "/run/nvidia"
                    shim_debug = true
                """);
        assertThat(config)
                .isEqualTo(new DaemonConfig(
                        config.files(),
                        "/data/containerd",
                        "/run/other",
                        "/run/other/c.sock",
                        "/run/other/t.sock",
                        2,
                        "/opt/containerd-shim",
                        "/usr/bin/nvidia-container-runtime",
                        "/run/nvidia",
                        true));
        assertThat(config.files()).containsExactly(folder.resolve("config.toml"));
    }

    /** As Docker wrote it for its own containerd: no version, tabs, and the plugin's short name. */
    @Test
    void versionOne() throws Exception {
        var config = read("""
                root = "/var/lib/docker/containerd/daemon"
                state = "/var/run/docker/containerd/daemon"
                oom_score = 0
                [plugins]
                \t[plugins.linux]
                \t\tshim = "containerd-shim"
                \t\truntime = "runc"
                \t\truntime_root = "/var/lib/docker/runc"
                \t\tno_shim = false
                """);
        assertThat(config.runtimeRoot()).isEqualTo("/var/lib/docker/runc");
        assertThat(config.paths().state()).isEqualTo(Path.of("/var/run/docker/containerd/daemon"));
        assertThat(config.grpcSocket()).isEqualTo(Path.of("/run/containerd/containerd.sock"));
        assertThat(config.ttrpcSocket()).isNull();
    }

    @Test
    void theShortNameMeansNothingInVersionTwo() throws Exception {
        assertThat(read("version = 2\n[plugins.linux]\nruntime = \"other\"\n").runtime())
                .isEmpty();
        assertThat(read("[plugins.\"io.containerd.runtime.v1.linux\"]\nruntime = \"other\"\n")
                        .runtime())
                .isEmpty();
    }

    @Test
    void nothingSaidMeansDefaults() throws Exception {
        var config = read("");
        assertThat(config.paths()).isEqualTo(NodePaths.defaults());
        assertThat(config.runtime()).isEmpty();
    }

    @Test
    void importsWinAndASectionIsReplacedAsAWhole() throws Exception {
        Files.createDirectory(folder.resolve("conf.d"));
        Files.writeString(folder.resolve("conf.d/a.toml"), "version = 2\nroot = \"/from/a\"\n");
        Files.writeString(folder.resolve("conf.d/b.toml"), """
                version = 2
                imports = ["../config.toml"]
                [plugins."io.containerd.runtime.v1.linux"]
                runtime = "from-b"
                """);
        var config = read("""
                version = 2
                root = "/from/main"
                state = "/run/main"
                imports = ["%s/conf.d/*.toml"]
                [plugins."io.containerd.runtime.v1.linux"]
                runtime = "from-main"
                runtime_root = "/root/of/main"
                """.formatted(folder));
        assertThat(config.root()).isEqualTo("/from/a");
        assertThat(config.state()).isEqualTo("/run/main");
        assertThat(config.runtime()).isEqualTo("from-b");
        assertThat(config.runtimeRoot()).isEmpty();
        assertThat(config.files()).hasSize(3);
    }

    /** As containerd 2.3 and later write it, and in the other ways to say the same. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "[plugins.'io.containerd.server.v1.grpc']#address = '/g'"
                        + "#[plugins.'io.containerd.server.v1.ttrpc']#address = '/t'",
                "[plugins.\"io.containerd.server.v1.grpc\"]#address = \"/g\""
                        + "#[plugins.\"io.containerd.server.v1.ttrpc\"]#address = \"/t\"",
                "plugins.'io.containerd.server.v1.grpc'.address = '/g'"
                        + "#plugins.\"io.containerd.server.v1.ttrpc\".address = '/t'",
                "[plugins]#'io.containerd.server.v1.grpc' = { address = '/g', uid = 0 }"
                        + "#\"io.containerd.server.v1.ttrpc\".address = \"\\u002ft\"",
                "[ 'plugins' . \"io.containerd.server.v1.grpc\" ]#\"address\"='/g'"
                        + "#['plugins'.'io.containerd.server.v1.ttrpc']#'address'='''/t'''"
            })
    void versionFour(String text) throws Exception {
        var dotted = text.startsWith("plugins.");
        var before =
                "version = 4#" + (dotted ? text + "#" : "") + "[grpc]#address = '/old'#[ttrpc]#address = '/old.t'#";
        var config = read((before + (dotted ? "" : text)).replace('#', '\n'));
        assertThat(config.grpcSocket())
                .as("what stands where it stood is passed over")
                .isEqualTo(Path.of("/g"));
        assertThat(config.ttrpcSocket()).isEqualTo(Path.of("/t"));
    }

    /** The sockets of version 4 have defaults that do not follow each other, but for a flag. */
    @Test
    void socketsThatVersionFourDoesNotName() throws Exception {
        var config = read("version = 4\nstate = '/s'\n[plugins.'io.containerd.server.v1.grpc']\naddress = '/g'\n");
        assertThat(config.ttrpcSocket()).isEqualTo(Path.of("/run/containerd/containerd.sock.ttrpc"));
        assertThat(config.with("", "", "/flag").ttrpcSocket()).isEqualTo(Path.of("/flag.ttrpc"));
        assertThat(read("version = 4\n").grpcSocket()).isEqualTo(Path.of("/run/containerd/containerd.sock"));
        assertThat(read("version = 3\n[grpc]\naddress = '/g'\n").ttrpcSocket()).isNull();
        assertThat(read("version = 3\n[ttrpc]\naddress = '/t'\n")
                        .with("", "", "/flag")
                        .ttrpcSocket())
                .isEqualTo(Path.of("/t"));
    }

    /** Each file that is imported has a version of its own. */
    @Test
    void filesOfSeveralVersionsBesideOneOfVersionFour() throws Exception {
        Files.createDirectories(folder.resolve("conf/a"));
        var drop = folder.resolve("conf/a/drop.toml");
        var main = """
                version = 4
                imports = ["conf/*/*.toml"]
                [plugins.'io.containerd.server.v1.grpc']
                address = '/main'
                [plugins.'io.containerd.server.v1.ttrpc']
                address = '/main.t'
                """;
        Files.writeString(drop, "[plugins.'io.containerd.server.v1.grpc']\nuid = 7\n[grpc]\naddress = '/old'\n");
        assertThat(read(main).grpcSocket())
                .as("a section is not replaced as a whole")
                .isEqualTo(Path.of("/main"));

        Files.writeString(drop, "version = 2\n[grpc]\naddress = '/drop'\n");
        assertThat(read(main).grpcSocket()).isEqualTo(Path.of("/drop"));
        assertThat(read(main).ttrpcSocket()).isEqualTo(Path.of("/drop.ttrpc"));

        Files.writeString(drop, "version = 4\n[grpc]\naddress = '/drop'\n");
        assertThat(read(main).grpcSocket()).isEqualTo(Path.of("/main"));
        assertThat(read(main).ttrpcSocket()).isEqualTo(Path.of("/main.t"));
    }

    /** As 1.x does: the version of all is that of the first. */
    @Test
    void anImportWithoutAVersionIsReadAsItsImporter() throws Exception {
        Files.writeString(
                folder.resolve("drop.toml"), "[plugins.'io.containerd.runtime.v1.linux']\nruntime = 'other'\n");
        assertThat(read("version = 2\nimports = ['drop.toml']\n").runtime()).isEqualTo("other");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "root = 7 | :1: root must be a string",
                "a = 1#grpc = 3#b = 2 | :2: grpc must be a table",
                "version = 2#plugins = 1 | :2: plugins must be a table",
                "[plugins.linux]#runtime = [\"a\"] | :2: plugins.linux.runtime must be a string",
                "[plugins.linux]##shim_debug = \"yes\" | :3: plugins.linux.shim_debug must be true or false",
                "imports = \"x\" | :1: imports must be a list of strings",
                "imports = [\"none.toml\"] | none.toml: is imported by",
                "root = \"/a\"#state = | :2: ",
                "root = \"/a\"#[plugins#runtime = 1 | :2: "
            })
    void aMistakeIsOneLineWithFileAndLine(String text, String said) {
        assertThatThrownBy(() -> read(text.replace('#', '\n')))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(folder.toString())
                .hasMessageContaining(said.strip())
                .hasMessageNotContaining("\n");
    }

    @Test
    void aMissingFileIsAnotherMatter() {
        assertThatThrownBy(() -> DaemonConfigReader.read(folder.resolve("none")))
                .isInstanceOf(NoSuchFileException.class);
    }

    private DaemonConfig read(String text) throws IOException {
        return DaemonConfigReader.read(Files.writeString(folder.resolve("config.toml"), text));
    }
}
