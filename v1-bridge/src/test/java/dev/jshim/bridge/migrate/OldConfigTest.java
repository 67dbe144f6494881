package dev.jshim.bridge.migrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
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

        assertThat(config.after()).isEqualTo("root = \"/a\"\n  # why\n\n[debug]\n  level = 1\n");
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

    /** What stands in a string or in a list is no table and no key, whatever it looks like. */
    @Test
    void valuesOverSeveralLines() {
        var text = """
                note = '''
                [plugins.linux]
                  runtime_type = "io.containerd.runtime.v1.linux"
                ''' # a comment
                other = \"\"\"
                \\\"\"\" [plugins.linux]
                Runtime = "stays" \"\"\"\"
                lists = [
                  ["[plugins.linux]"], # ]
                  [
                "x"]
                ]
                """;
        assertThat(OldConfig.of(text).isChanged()).isFalse();
        var plugin = """
                [plugins.linux]
                  runtime = '''
                [debug]
                level = 1'''
                  args = [
                    ["a"],
                    ["b"]
                  ] # end
                """;
        assertThat(OldConfig.of(text + plugin + "[debug]\nlevel = 2\n").after())
                .isEqualTo(text + "[debug]\nlevel = 2\n");
        assertThat(OldConfig.of(plugin).diff()).hasSize(plugin.split("\n", -1).length - 1);
    }

    @Test
    void allElseStaysByteForByte() {
        var config = OldConfig.of(
                "\r\n# \u00e4\t \r\n[plugins]\r\n[plugins.linux]\r\n\tshim = \"x\"\r\n [debug]\n level=\"info\"");

        assertThat(config.after()).isEqualTo("\r\n# \u00e4\t \r\n[plugins]\r\n [debug]\n level=\"info\"");
        assertThat(config.diff()).containsExactly("-[plugins.linux]", "-\tshim = \"x\"");
    }

    @Test
    void keysWithDots() {
        var config = OldConfig.of("""
                [plugins]
                linux.shim = "x"
                "io.containerd.runtime.v1.linux" = {runtime = "runc"}
                [plugins.cri.containerd.runtimes]
                a.runtime_type = 'io.containerd.runtime.v1.linux'
                a.options."Runtime" = "r"
                """);

        assertThat(config.diff())
                .containsExactly(
                        "-linux.shim = \"x\"",
                        "-\"io.containerd.runtime.v1.linux\" = {runtime = \"runc\"}",
                        "-a.runtime_type = 'io.containerd.runtime.v1.linux'",
                        "+a.runtime_type = 'io.containerd.runc.v2'",
                        "-a.options.\"Runtime\" = \"r\"",
                        "+a.options.BinaryName = \"r\"");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', quoteCharacter = '%', textBlock = """
                    a handler in one line    | runc = { runtime_type = "io.containerd.runtime.v1.linux" }                                       | runc
                    a type with an escape    | runtime_type = "io.containerd.runtime.v1\\u002elinux"                                           | runtime_type
                    a type in three quotes   | runtime_type = '''io.containerd.runtime.v1.linux'''                                            | runtime_type
                    both names of an option  | x.runtime_type = "io.containerd.runtime.v1.linux"; x.options.Runtime = "a"; x.options.BinaryName = "b" | broken
                    options in one line      | x.runtime_type = "io.containerd.runtime.v1.linux"; x.options = { Runtime = "a" }                 | x.options
                    a text without an end    | x = "                                                                                            | line 1
                    the same key twice       | x = 1; x = 2                                                                                     | line 2
                    """)
    void whatCannotBeEditedIsRefused(String name, String lines, String why) throws Exception {
        var file = folder.resolve("config.toml");
        var text = lines.replace("; ", "\n") + "\n";
        Files.writeString(file, text);

        assertThatThrownBy(() -> OldConfig.read(file))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(why)
                .hasMessageContaining("nothing was changed")
                .hasMessageContaining("by hand");
        assertThat(file).hasContent(text);
    }

    @Test
    void noText() throws Exception {
        var file = folder.resolve("config.toml");
        Files.write(file, new byte[] {'#', (byte) 0xff, '\n'});
        assertThatThrownBy(() -> OldConfig.read(file)).hasMessageContaining("UTF-8");
        assertThatThrownBy(() -> OldConfig.read(folder)).hasMessageContaining("not a regular file");
    }

    /** An edit that was killed between its two renames has left the backup. */
    @Test
    void anEditThatWasInterruptedGoesOn() throws Exception {
        var file = folder.resolve("config.toml");
        Files.writeString(file, "[plugins.linux]\n");
        var backup = Files.writeString(folder.resolve("config.toml.jshim-backup"), "[plugins.linux]\n");

        assertThat(OldConfig.read(file).write(file)).isEqualTo(backup);
        assertThat(file).isEmptyFile();
        assertThat(backup).hasContent("[plugins.linux]\n");
    }

    @Test
    void writtenWithABackupAndNeverOverOne() throws Exception {
        var file = folder.resolve("config.toml");
        Files.writeString(file, "[plugins.linux]\n  shim = \"x\"\n[debug]\n");
        var config = OldConfig.of(Files.readString(file));

        var backup = config.write(file);

        assertThat(file).hasContent("[debug]\n");
        assertThat(backup).hasContent("[plugins.linux]\n  shim = \"x\"\n[debug]\n");
        Files.writeString(file, "[plugins.linux]\n  shim = \"y\"\n");
        assertThatThrownBy(() -> OldConfig.read(file).write(file))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("not changed");
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactlyInAnyOrder(file, backup);
        }
    }
}
