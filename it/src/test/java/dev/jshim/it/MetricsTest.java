package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What {@code jshimctl metrics} writes, the alerts and the dashboard, as Debian's Prometheus and node_exporter have it.
 */
class MetricsTest extends MigrationScenario {
    private static final String RULES = "jshim.rules.yml";
    private static final Path TESTS = Path.of(System.getProperty("jshim.repository", ".."), "it/src/test/prometheus");

    @TempDir
    private Path folder;

    MetricsTest() {
        super(Release.V1_6);
    }

    @BeforeEach
    void requirePrometheus() {
        assumeTrue(Monitoring.present(), "no Prometheus was to be had: ./dev prometheus");
    }

    private static Path share(String file) {
        return Product.home().resolve("share").resolve(file);
    }

    @Test
    void alertsComeWhenTheyShall() throws IOException {
        Files.copy(share("prometheus/" + RULES), folder.resolve(RULES));
        Files.copy(TESTS.resolve("rules-test.yml"), folder.resolve("rules-test.yml"));

        promtool("check", "rules", folder.resolve(RULES).toString()).ok();
        promtool("test", "rules", folder.resolve("rules-test.yml").toString()).ok();

        // The check can fail.
        Files.writeString(
                folder.resolve(RULES),
                Files.readString(folder.resolve(RULES)).replace("jshim_bridge_up == 0", "vector(0)"));
        promtool("test", "rules", folder.resolve("rules-test.yml").toString()).expect(1);
    }

    @Test
    void aMigrationAndADeathAsPrometheusSeesThem() throws IOException {
        node.runDetached(Product.LEGACY, "web", "/bin/sleep", "1000");
        Path texts = Files.createDirectory(folder.resolve("textfile"));
        Path file = texts.resolve("jshim.prom");
        measure(file);
        Outcome linted = Run.of(List.of(Monitoring.program("promtool").toString(), "check", "metrics"))
                .stdin(Files.readAllBytes(file))
                .run();
        assertThat(linted.ok().err()).isEmpty();

        try (Monitoring monitoring = new Monitoring(folder, texts, share("prometheus/" + RULES))) {
            monitoring.await("jshim_v1_containers_left == 1");
            assertThat(monitoring.query("node_textfile_scrape_error == 0")).hasSize(1);

            upgrade();
            measure(file);
            monitoring.await("jshim_v1_containers_left == 0");
            monitoring.await("jshim_tasks{api=\"adopted\",health=\"ok\"} == 1");
            monitoring.await("jshim_bridge_up == 1 and jshim_bridge_keeper_up == 1");
            assertThat(monitoring.query("ALERTS")).isEmpty();
            isAnswered(monitoring);

            killTheBridge();
            measure(file);
            monitoring.await("jshim_jvm_restarts{program=\"bridge\"} == 1");
            monitoring.await("ALERTS{alertname=\"JshimJvmDied\",program=\"bridge\",alertstate=\"firing\"}");
            assertThat(monitoring.query("ALERTS")).as("and nobody else").hasSize(1);
        }
        node.remove("web");
    }

    /** Each panel of the dashboard has something to show. */
    private static void isAnswered(Monitoring monitoring) throws IOException {
        List<String> queries = new ArrayList<>();
        for (JsonElement panel : JsonParser.parseString(Files.readString(share("grafana/jshim.json")))
                .getAsJsonObject()
                .getAsJsonArray("panels")) {
            for (JsonElement target : panel.getAsJsonObject().getAsJsonArray("targets")) {
                queries.add(target.getAsJsonObject().get("expr").getAsString());
            }
        }
        assertThat(queries).hasSizeGreaterThan(15);
        for (String query : queries) {
            assertThat(monitoring.query(query.replace("$instance", ".*")))
                    .as(query)
                    .isNotEmpty();
        }
    }

    private void killTheBridge() {
        Signal.KILL.to(bridge());
        Wait.until("the keeper has started the bridge again", () -> {
            Outcome status = Product.ctl(node, "-o", "json", "bridge", "status");
            if (status.code() != 0) {
                return false; // There may be nothing to read.
            }
            JsonObject now = JsonParser.parseString(status.out()).getAsJsonObject();
            return now.get("restarts").getAsInt() == 1;
        });
    }

    private void measure(Path file) {
        Product.ctl(node, "metrics", "--check", "--textfile", file.toString(), "--timeout", "30s")
                .ok();
    }

    private static Outcome promtool(String... args) {
        return Run.of(Stream.concat(Stream.of(Monitoring.program("promtool").toString()), Stream.of(args))
                        .toList())
                .run();
    }
}
