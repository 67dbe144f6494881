package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What the program of a real containerd 2.x makes of old configurations, as {@code migrate plan} and {@code check} say.
 */
class NewConfigTest {
    private PrivateContainerd node;
    private Path file;

    @BeforeEach
    void folders() throws IOException {
        node = PrivateContainerd.create(Release.V1_6);
        Files.createDirectories(node.root());
        Files.createDirectories(node.state());
        file = node.dir().resolve("old.toml");
    }

    @AfterEach
    void nothingIsLeft() {
        node.finish();
        node.close();
    }

    private Outcome plan() {
        return Product.ctl(
                node,
                "migrate",
                "plan",
                "-o",
                "json",
                "--new-containerd",
                Release.V2.daemon().toString(),
                "--new-config",
                file.toString());
    }

    private static List<JsonObject> findings(Outcome outcome, String key) {
        return JsonParser.parseString(outcome.out()).getAsJsonObject().get(key).getAsJsonArray().asList().stream()
                .map(JsonElement::getAsJsonObject)
                .toList();
    }

    private List<String> what(Outcome outcome) {
        return findings(outcome, "configuration").stream()
                .map(finding -> finding.get("level").getAsString() + " "
                        + finding.get("what").getAsString().replace(file.toString(), ""))
                .toList();
    }

    /** Half of what a default file has 2.x does not know, but nothing in it has a value that anybody chose. */
    @ParameterizedTest(name = "of containerd {0}")
    @EnumSource(names = {"V1_6", "V1_7"})
    void defaultConfiguration(Release old) throws IOException {
        String text = Run.of(List.of(old.daemon().toString(), "config", "default"))
                .run()
                .ok()
                .out();
        Files.writeString(file, text);

        assertThat(what(plan().ok()))
                .singleElement()
                .asString()
                .startsWith("warning ")
                .endsWith("plugins.io.containerd.runtime.v1.linux");
        assertThat(file).hasContent(text);
    }

    @Test
    void versionOneLosesAllOfCri() throws IOException {
        Files.writeString(file, """
                [plugins]
                  [plugins.cri]
                    sandbox_image = "pause:3.1"
                    [plugins.cri.containerd.runtimes.own]
                      runtime_type = "io.containerd.runc.v2"
                """);

        assertThat(what(plan().expect(3)))
                .containsExactly("error :4: plugins.cri.containerd", "warning :3: plugins.cri.sandbox_image");
    }

    @Test
    void versionTwo() throws IOException {
        Files.writeString(file, """
                version = 2
                plugin_dir = "/opt/plugins"
                [plugins."io.containerd.grpc.v1.cri"]
                  systemd_cgroup = true
                  disable_tcp_service = true
                  [plugins."io.containerd.grpc.v1.cri".containerd]
                    no_pivot = true
                    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
                      runtime_type = "io.containerd.runtime.v1.linux"
                      runtime_root = "/run/own"
                [plugins."io.containerd.snapshotter.v1.aufs"]
                  root_path = "/data"
                """);

        assertThat(what(plan().expect(3)))
                .containsExactlyInAnyOrder(
                        "warning :2: plugin_dir",
                        "error :4: plugins.io.containerd.grpc.v1.cri.systemd_cgroup",
                        "warning :7: plugins.io.containerd.grpc.v1.cri.containerd.no_pivot",
                        "warning :9: plugins.io.containerd.grpc.v1.cri.containerd.runtimes.runc.runtime_type",
                        "error :10: plugins.io.containerd.grpc.v1.cri.containerd.runtimes.runc.runtime_root",
                        "warning :11: plugins.io.containerd.snapshotter.v1.aufs");
        Outcome check = Product.ctl(
                node,
                "check",
                "-o",
                "json",
                "--new-containerd",
                Release.V2.daemon().toString(),
                "--config",
                file.toString());
        assertThat(findings(check.expect(3), "findings"))
                .filteredOn(finding -> finding.get("topic").getAsString().equals("config"))
                .isEqualTo(findings(plan(), "configuration"));
    }

    @Test
    void whatTheProgramRefuses() throws IOException {
        Files.writeString(file, "version = 4\n");
        Outcome table = Product.ctl(
                        node,
                        "migrate",
                        "plan",
                        "--new-containerd",
                        Release.V2.daemon().toString(),
                        "--new-config",
                        file.toString())
                .expect(3);
        assertThat(table.out()).contains("error: config: ", "got `4`", "  to do: ");
        assertThat(Product.ctl(
                                node,
                                "migrate",
                                "plan",
                                "--new-containerd",
                                Release.V1_7.daemon().toString(),
                                "--new-config",
                                file.toString())
                        .expect(3)
                        .out())
                .contains("is not containerd 2.x");
    }
}
