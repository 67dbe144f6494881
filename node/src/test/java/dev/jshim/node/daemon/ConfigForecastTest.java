package dev.jshim.node.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** By what is known of containerd 2.x; {@code it} has the same with what a real one says. */
class ConfigForecastTest {
    @TempDir
    Path folder;

    /** As Docker's package of 1.x and cri-containerd's first installers wrote it. */
    @Test
    void versionOne() throws Exception {
        var findings = forecast("""
                root = "/var/lib/containerd"
                oom_score = -999
                required_plugins = ["linux", "cri"]
                [plugins]
                  [plugins.linux]
                    shim = "containerd-shim"
                    runtime = "runc"
                  [plugins.cri]
                    sandbox_image = "pause:3.1"
                    [plugins.cri.containerd]
                      snapshotter = "overlayfs"
                      [plugins.cri.containerd.default_runtime]
                        runtime_type = "io.containerd.runtime.v1.linux"
                      [plugins.cri.containerd.runtimes.gvisor]
                        runtime_type = "io.containerd.runsc.v1"
                """, new PodHandler("default/web", ""), new PodHandler("default/box", "gvisor"));

        assertThat(findings)
                .filteredOn(ConfigFinding::fatal)
                .extracting(ConfigFinding::key)
                .containsExactlyInAnyOrder(
                        "required_plugins",
                        "plugins.cri.containerd",
                        "plugins.cri.containerd.default_runtime",
                        "runtime handler gvisor");
        assertThat(findings)
                .filteredOn(finding -> finding.key().equals("runtime handler gvisor"))
                .singleElement()
                .satisfies(finding ->
                        assertThat(finding.why()).contains("default/box").doesNotContain("default/web"));
    }

    @Test
    void whatIsOfNoUseWithoutTheV1Runtime() throws Exception {
        Files.writeString(folder.resolve("drop.toml"), "[plugins.'io.containerd.runtime.v1.linux']\nshim = 'x'\n");
        var file = Files.writeString(folder.resolve("config.toml"), """
                version = 2
                imports = ["drop.toml"]
                required_plugins = ["cri"]
                [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.old]
                  runtime_type = "io.containerd.runtime.v1.linux"
                [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.old.options]
                  Runtime = "crun"
                  RuntimeRoot = "/run/crun"
                [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.new]
                  runtime_type = "io.containerd.runc.v2"
                  runtime_engine = "whatever"
                """);

        assertThat(ConfigForecast.ofV1Runtime(file))
                .extracting(found -> found.where() + " " + found.todo())
                .containsExactlyInAnyOrder(
                        folder.resolve("drop.toml") + ":1 remove it",
                        file + ":5 use io.containerd.runc.v2 or io.containerd.runtime.v2.oci; keep the handler's name",
                        file + ":7 rename it to BinaryName",
                        file + ":8 rename it to Root");
    }

    /** containerd 2.3 would listen on its default socket. */
    @Test
    void versionFourWithTheSocketsOfVersionThree() throws Exception {
        Files.writeString(folder.resolve("drop.toml"), "[grpc]\naddress = '/taken/over'\n");
        var findings = forecast("""
                version = 4
                imports = ["drop.toml"]
                [grpc]
                  address = "/run/own.sock"
                  uid = 0
                [debug]
                  level = "info"
                  address = "/run/debug.sock"
                [plugins.'io.containerd.server.v1.ttrpc']
                  address = "/run/own.sock.ttrpc"
                """);
        assertThat(findings).extracting(ConfigFinding::key).containsExactlyInAnyOrder("grpc.address", "debug.address");
        assertThat(findings)
                .allMatch(ConfigFinding::fatal)
                .extracting(ConfigFinding::todo)
                .first()
                .asString()
                .contains("plugins.'io.containerd.server.v1.");
        assertThat(forecast("version = 3\n[grpc]\naddress = '/run/own.sock'\n")).isEmpty();
    }

    /** As kubeadm's and NVIDIA's instructions make it. */
    @Test
    void versionTwo() throws Exception {
        Files.writeString(folder.resolve("99-nvidia.toml"), """
                [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nvidia]
                  runtime_type = "io.containerd.runtime.v1.linux"
                  runtime_engine = ""
                  runtime_root = ""
                  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nvidia.options]
                    Runtime = "/usr/bin/nvidia-container-runtime"
                """);
        var findings = forecast("""
                version = 2
                imports = ["*-nvidia.toml"]
                [plugins."io.containerd.grpc.v1.cri"]
                  systemd_cgroup = true
                  [plugins."io.containerd.grpc.v1.cri".containerd]
                    default_runtime_name = "runc"
                    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
                      runtime_type = "io.containerd.runc.v1"
                      runtime_root = "/run/own"
                    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.half]
                      runtime_type = "io.containerd.runc.v2"
                      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.half.options]
                        Runtime = "/usr/bin/crun"
                        SystemdCgroup = true
                """, new PodHandler("default/gpu", "nvidia"), new PodHandler("default/web", "runc"));

        assertThat(findings)
                .extracting(finding -> finding.where().replace(folder.toString(), "") + " "
                        + finding.key().replace("plugins.io.containerd.grpc.v1.cri.", "") + " " + finding.fatal())
                .containsExactlyInAnyOrder(
                        "/config.toml:4 systemd_cgroup true",
                        "/config.toml:8 containerd.runtimes.runc.runtime_type true",
                        "/config.toml:9 containerd.runtimes.runc.runtime_root true",
                        "/config.toml:13 containerd.runtimes.half.options.Runtime true",
                        "/99-nvidia.toml:2 containerd.runtimes.nvidia.runtime_type false");
    }

    /** One that was made for 2.x, where a handler was forgotten and a section has its old name. */
    @Test
    void versionThree() throws Exception {
        var findings = forecast(
                """
                version = 3
                [plugins.'io.containerd.cri.v1.runtime'.containerd]
                  default_runtime_name = 'own'
                  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.kata]
                    runtime_type = 'io.containerd.kata.v2'
                [plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.old]
                  runtime_type = 'io.containerd.runc.v2'
                """, new PodHandler("a/one", "old"), new PodHandler("a/two", "old"), new PodHandler("a/three", "kata"));

        assertThat(findings)
                .allMatch(ConfigFinding::fatal)
                .extracting(ConfigFinding::key)
                .containsExactlyInAnyOrder(
                        "plugins.io.containerd.grpc.v1.cri.containerd", "default_runtime_name", "runtime handler old");
        assertThat(findings.getLast().why()).contains("a/one, a/two").doesNotContain("three");
    }

    @Test
    void nothingToSay() throws Exception {
        assertThat(forecast("version = 3\n", new PodHandler("a/b", "runc"), new PodHandler("a/c", "")))
                .isEmpty();
        assertThat(forecast("version = 2\n")).isEmpty();
        assertThat(forecast("")).isEmpty();
    }

    /** What cannot be asked must not look as if nothing had been found. */
    @ParameterizedTest(name = "{0}")
    @CsvSource(
            quoteCharacter = '`',
            value = {
                "an old one | echo 'containerd github.com/containerd/containerd v1.7.24 abc' | not containerd 2.x",
                "another program | echo 'runc version 1.1' | not containerd",
                "a failing one | exit 3 | exit 3",
                "one that refuses the file | case $1 in --version) echo 'containerd x v2.0.1 y';; *) echo bad >&2; exit 1; esac | says: bad",
                "one that writes no TOML | case $1 in --version) echo 'containerd x v2.0.1 y';; *) echo '= ='; esac | cannot be read"
            },
            delimiter = '|')
    void programsThatCannotBeAsked(String name, String script, String message) throws IOException {
        var program = Files.writeString(folder.resolve("containerd"), "#!/bin/sh\n" + script + "\n");
        assertThat(program.toFile().setExecutable(true)).isTrue();
        var file = Files.writeString(folder.resolve("config.toml"), "version = 2\n");

        assertThatThrownBy(() -> ConfigForecast.of(file, program, List.of()))
                .as(name)
                .isInstanceOf(IOException.class)
                .hasMessageContaining(message);
    }

    @Test
    void aProgramThatIsNotThere() throws IOException {
        var file = Files.writeString(folder.resolve("config.toml"), "version = 2\n");
        assertThatThrownBy(() -> ConfigForecast.of(file, folder.resolve("none"), List.of()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("none cannot be run");
    }

    /** As 2.1.9 logs it. */
    @Test
    void whatAProgramPassesOver() {
        var log = """
                time="2026-11-25T22:11:51Z" level=warning msg="Ignoring unknown key in TOML for plugin" error="strict mode: fields in the document are missing in the target struct" key="containerd runtimes runc runtime_root" plugin=io.containerd.cri.v1.runtime
                time="2026-11-25T22:11:51Z" level=warning msg="Ignoring unknown key in TOML" column=1 error="strict mode: fields in the document are missing in the target struct" file=config.toml key=plugin_dir row=4
                time="2026-11-25T22:11:51Z" level=warning msg="something else" key=value
                """;
        assertThat(NewContainerd.ignored(log))
                .containsExactly(
                        new NewContainerd.Ignored(
                                "io.containerd.cri.v1.runtime",
                                List.of("containerd", "runtimes", "runc", "runtime_root")),
                        new NewContainerd.Ignored("", List.of("plugin_dir")));
    }

    private List<ConfigFinding> forecast(String text, PodHandler... pods) throws IOException {
        return ConfigForecast.of(Files.writeString(folder.resolve("config.toml"), text), null, List.of(pods));
    }
}
