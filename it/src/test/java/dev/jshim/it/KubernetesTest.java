package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import io.kubernetes.client.openapi.models.V1DaemonSet;
import io.kubernetes.client.openapi.models.V1RuntimeClass;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.yaml.snakeyaml.Yaml;

/**
 * The manifests of {@code deploy/kubernetes}, held against the API's schema, and the plugin of node-problem-detector.
 */
class KubernetesTest {
    private static final Path REPOSITORY = Path.of(System.getProperty("jshim.repository", ".."));
    private static final Path FOLDER = REPOSITORY.resolve("deploy/kubernetes");
    private static final String VERSION = "0.1.0";

    @TempDir
    private Path folder;

    private static JsonElement manifest(String text) {
        Object loaded = new Yaml().load(text);
        return new Gson().toJsonTree(loaded);
    }

    /** Fails for a field that the API does not have, one of another type, and one that is missing. */
    private static void validate(JsonElement manifest) throws IOException {
        String kind = manifest.getAsJsonObject().get("kind").getAsString();
        switch (kind) {
            case "DaemonSet" -> {
                assertThat(manifest.getAsJsonObject().get("apiVersion").getAsString())
                        .isEqualTo("apps/v1");
                V1DaemonSet.validateJsonElement(manifest);
            }
            case "RuntimeClass" -> {
                assertThat(manifest.getAsJsonObject().get("apiVersion").getAsString())
                        .isEqualTo("node.k8s.io/v1");
                V1RuntimeClass.validateJsonElement(manifest);
            }
            default -> throw new AssertionError("no schema for " + kind);
        }
    }

    private static List<Path> manifests() throws IOException {
        try (Stream<Path> all = Files.list(FOLDER)) {
            return all.filter(file -> file.toString().endsWith(".yaml") && !file.endsWith("kustomization.yaml"))
                    .sorted()
                    .toList();
        }
    }

    @Test
    void theManifestsAreWhatTheApiKnows() throws IOException {
        assertThat(manifests()).hasSize(4);
        for (Path file : manifests()) {
            validate(manifest(Files.readString(file)));
        }
    }

    @Test
    void theCheckCanFail() throws IOException {
        String text = Files.readString(FOLDER.resolve("install.yaml"));
        for (String wrong : List.of(
                text.replace("hostPID:", "hostPid:"),
                text.replace("privileged: true", "priviledged: true"),
                text.replace("args: [install]", "args: install"),
                text.replace("  selector:", "  selektor:"))) {
            assertThat(wrong).isNotEqualTo(text);
            assertThatThrownBy(() -> validate(manifest(wrong))).isInstanceOf(IllegalArgumentException.class);
        }
    }

    /** What one manifest says of the others, of the image and of its entry. */
    @Test
    void theyBelongTogether() throws IOException {
        String entry = Files.readString(REPOSITORY.resolve("dist/src/main/image/entry.sh"));
        List<String> names = new ArrayList<>();
        for (Path file : manifests()) {
            String text = Files.readString(file);
            if (text.contains("kind: RuntimeClass")) {
                assertThat(text).contains("\nhandler: jshim\n");
                continue;
            }
            assertThat(text)
                    .contains("image: localhost/jshim-node:" + VERSION + "\n")
                    .doesNotContain("hostPath");
            for (JsonElement container : containers(manifest(text))) {
                String action = container
                        .getAsJsonObject()
                        .getAsJsonArray("args")
                        .get(0)
                        .getAsString();
                assertThat(entry).containsPattern("(?m)^[a-z |]*\\b" + action + "\\b[a-z |]*\\)$");
            }
            names.add(manifest(text)
                    .getAsJsonObject()
                    .getAsJsonObject("metadata")
                    .get("name")
                    .getAsString());
        }
        assertThat(names).containsExactly("jshim-check", "jshim-install", "jshim-uninstall");
        assertThat(Files.readString(FOLDER.resolve("install.yaml"))).contains("{name: JSHIM_HANDLER, value: jshim}");
        assertThat(Files.readString(REPOSITORY.resolve("pom.xml"))).contains("<version>" + VERSION + "</version>");
        assertThat(manifest(Files.readString(FOLDER.resolve("kustomization.yaml")))
                        .getAsJsonObject()
                        .getAsJsonArray("resources"))
                .hasSize(3)
                .allMatch(name -> Files.exists(FOLDER.resolve(name.getAsString())));
    }

    private static List<JsonElement> containers(JsonElement daemonSet) {
        var pod = daemonSet
                .getAsJsonObject()
                .getAsJsonObject("spec")
                .getAsJsonObject("template")
                .getAsJsonObject("spec");
        List<JsonElement> all = new ArrayList<>(pod.getAsJsonArray("containers").asList());
        if (pod.has("initContainers")) {
            all.addAll(pod.getAsJsonArray("initContainers").asList());
        }
        return all;
    }

    private static Outcome plugin(Path file) {
        return Run.of(List.of(
                        FOLDER.resolve("node-problem-detector/jshim-check.sh")
                                .toAbsolutePath()
                                .toString(),
                        file.toString()))
                .run();
    }

    @Test
    void thePluginKnowsThreeAnswers() throws IOException {
        Path file = folder.resolve("jshim.prom");
        assertThat(plugin(file).expect(2).out()).isEqualTo("there are no metrics of jshim");

        String fine = """
                # HELP jshim_unreadable x
                jshim_unreadable 0.0
                jshim_check_findings{level="error"} 0.0
                jshim_check_findings{level="warning"} 9.0
                """;
        Files.writeString(file, fine);
        assertThat(plugin(file).expect(0).out()).isEqualTo("jshimctl check finds no error");
        Files.writeString(file, fine.replace("unreadable 0", "unreadable 1"));
        plugin(file).expect(2);
        Files.writeString(file, fine.replace("\"error\"} 0", "\"error\"} 12"));
        assertThat(plugin(file).expect(1).out()).isEqualTo("jshimctl check finds 12 errors on this node");
        Files.writeString(file, "jshim_unreadable 0.0\n");
        assertThat(plugin(file).expect(2).out()).isEqualTo("the metrics of jshim were written without --check");
        Files.writeString(file, fine);
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().minus(Duration.ofHours(1))));
        assertThat(plugin(file).expect(2).out()).isEqualTo("the metrics of jshim are older than 10 minutes");

        // The real one.
        String golden = Files.readString(REPOSITORY.resolve("ctl/src/test/resources/golden/metrics.txt"));
        Files.writeString(file, golden);
        assertThat(plugin(file).expect(1).out()).hasSizeLessThanOrEqualTo(80);
        assertThat(JsonParser.parseString(Files.readString(FOLDER.resolve("node-problem-detector/jshim.json")))
                        .getAsJsonObject()
                        .getAsJsonArray("rules")
                        .get(0)
                        .getAsJsonObject()
                        .get("path")
                        .getAsString())
                .isEqualTo("/config/plugin/jshim-check.sh");
    }
}
