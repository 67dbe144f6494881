package dev.jshim.it;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A Prometheus of its own that collects a folder of text files through a node_exporter of its own. For one thread. */
final class Monitoring implements AutoCloseable {
    private static final int UNAVAILABLE = 503;
    private static final String VARIABLE = "JSHIM_PROMETHEUS";
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final Path folder;
    private final int port = freePort();
    private final List<Process> processes = new ArrayList<>();
    private final HttpClient client = HttpClient.newHttpClient();

    /**
     * Starts both.
     *
     * @param folder for their files
     * @param textFiles what node_exporter reads
     * @param rules of alerts
     */
    Monitoring(Path folder, Path textFiles, Path rules) throws IOException {
        this.folder = folder;
        int exporter = freePort();
        Path configuration = folder.resolve("prometheus.yml");
        Files.writeString(configuration, """
                global: {scrape_interval: 1s, evaluation_interval: 1s}
                rule_files: ['%s']
                scrape_configs:
                  - {job_name: node, static_configs: [{targets: ['127.0.0.1:%d']}]}
                """.formatted(rules, exporter));
        try {
            start(
                    "prometheus-node-exporter",
                    "--web.listen-address=127.0.0.1:" + exporter,
                    "--collector.disable-defaults",
                    "--collector.textfile",
                    "--collector.textfile.directory=" + textFiles);
            start(
                    "prometheus",
                    "--config.file=" + configuration,
                    "--storage.tsdb.path=" + folder.resolve("data"),
                    "--web.listen-address=127.0.0.1:" + port);
        } catch (IOException | RuntimeException e) {
            close();
            throw e;
        }
    }

    /** Says whether the programs were to be had. */
    static boolean present() {
        String programs = System.getenv(VARIABLE);
        return programs != null && Files.isExecutable(Path.of(programs, "promtool"));
    }

    /** One of the programs. */
    static Path program(String name) {
        return Path.of(System.getenv(VARIABLE), name);
    }

    private static int freePort() {
        try (ServerSocket any = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return any.getLocalPort();
        } catch (IOException e) {
            throw new IllegalStateException("no port is free", e);
        }
    }

    private void start(String program, String... options) throws IOException {
        List<String> command = new ArrayList<>(List.of(program(program).toString()));
        command.addAll(List.of(options));
        processes.add(new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve(program + ".log").toFile())
                .start());
    }

    /** What a query has for an answer now; empty also as long as Prometheus does not answer. */
    JsonArray query(String expression) {
        for (Process process : processes) {
            if (!process.isAlive()) {
                throw new IllegalStateException("one of the programs has ended: see the logs in " + folder);
            }
        }
        URI address = URI.create("http://127.0.0.1:" + port + "/api/v1/query?query="
                + URLEncoder.encode(expression, StandardCharsets.UTF_8));
        JsonObject answer;
        try {
            var response = client.send(
                    HttpRequest.newBuilder(address).timeout(PATIENCE).build(), BodyHandlers.ofString());
            if (response.statusCode() == UNAVAILABLE) {
                return new JsonArray(); // it listens, and reads its storage first
            }
            answer = JsonParser.parseString(response.body()).getAsJsonObject();
        } catch (IOException e) {
            return new JsonArray(); // it has not come up
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
        if (!answer.get("status").getAsString().equals("success")) {
            throw new IllegalStateException(expression + ": " + answer);
        }
        return answer.getAsJsonObject("data").getAsJsonArray("result");
    }

    /** Waits until a query has an answer that is not empty. */
    void await(String expression) {
        Wait.until(expression, () -> !query(expression).isEmpty());
    }

    @Override
    public void close() {
        processes.forEach(Process::destroy);
        for (Process process : processes) {
            try {
                if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                    process.destroyForcibly().waitFor();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        client.close();
    }
}
