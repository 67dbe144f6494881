package dev.jshim.shim;

import dev.jshim.proto.v2.task2.TaskGrpc;
import dev.jshim.ttrpc.TtrpcChannel;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * {@code start} in a JVM of its own, as the launcher runs it: its answer comes on descriptor 3. A shim waits for all
 * children of its process, so that it cannot run in the test's.
 */
public final class ShimProcess implements AutoCloseable {
    /** Where the shims of this JVM's tests meet: a shim that is killed leaves its folder. */
    private static final Path SOCKETS = temporary();

    private static Path temporary() {
        try {
            var folder = Files.createTempDirectory("jshim-s");
            Runtime.getRuntime().addShutdownHook(new Thread(() -> deleteAll(folder), "delete-sockets"));
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void deleteAll(Path folder) {
        try (var files = Files.walk(folder)) {
            for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A shim for a whole node would stay after its last container. */
    private static final Path CONFIG = config();

    private static Path config() {
        try {
            return Files.writeString(SOCKETS.resolve("config.toml"), "Grouping = \"pod\"\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static final long PATIENCE_SECONDS = 30;
    private static final String SERVES = "ok unix://";

    private final Process process;
    private final CompletableFuture<String> reply;
    private @Nullable TtrpcChannel channel;

    private ShimProcess(Process process) {
        this.process = process;
        this.reply = CompletableFuture.supplyAsync(() -> firstLine(process));
    }

    /** Starts it for a bundle; the environment is added to the test's own. */
    public static ShimProcess launch(Path bundle, Map<String, String> environment, String... flags) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                "sh",
                "-c",
                "exec \"$@\" 3>&1 >/dev/null",
                "sh",
                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xmx64m",
                "-XX:+ExitOnOutOfMemoryError",
                "-Djshim.sockets=" + SOCKETS,
                "-Djshim.config=" + CONFIG,
                "-cp",
                System.getProperty("java.class.path"),
                "dev.jshim.shim.Main"));
        command.addAll(List.of(flags));
        var builder = new ProcessBuilder(command)
                .directory(bundle.toFile())
                .redirectInput(Path.of("/dev/null").toFile()) // the options, up to the end of the file
                .redirectError(bundle.resolve("stderr").toFile());
        builder.environment().remove("JAVA_TOOL_OPTIONS");
        builder.environment().putAll(environment);
        return new ShimProcess(builder.start());
    }

    /** Starts one and waits until it serves. */
    public static ShimProcess start(Path bundle, String id, Path containerd) throws Exception {
        var shim = launch(
                bundle,
                Map.of("TTRPC_ADDRESS", containerd + ".ttrpc", "NOTIFY_SOCKET", "/run/nobody"),
                "-namespace",
                "test",
                "-address",
                containerd.toString(),
                "-id",
                id,
                "start");
        if (!shim.reply().startsWith("ok ")) {
            shim.close();
            throw new AssertionError(shim.reply() + Files.readString(bundle.resolve("stderr")));
        }
        return shim;
    }

    private static String firstLine(Process process) {
        try (var in = new BufferedReader(process.inputReader(StandardCharsets.UTF_8))) {
            var line = in.readLine();
            return line == null ? "" : line;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@code ok ADDRESS} or {@code error MESSAGE}. */
    public String reply() throws Exception {
        return reply.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    }

    public Path socket() throws Exception {
        return Path.of(reply().substring(SERVES.length()));
    }

    public long pid() {
        return process.pid();
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    /** Its exit code, once it has ended. */
    public int awaitEnd() throws Exception {
        if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            throw new AssertionError("the shim does not end");
        }
        return process.exitValue();
    }

    /** A stub whose next call ends in time. */
    public TaskGrpc.TaskBlockingStub task() throws Exception {
        return TaskGrpc.newBlockingStub(channel()).withDeadlineAfter(PATIENCE_SECONDS, TimeUnit.SECONDS);
    }

    public synchronized TtrpcChannel channel() throws Exception {
        var open = channel;
        if (open == null) {
            open = TtrpcChannel.connect(socket(), Duration.ofSeconds(5));
            channel = open;
        }
        return open;
    }

    /** As kill(1). */
    public void signal(int signal) throws Exception {
        dev.jshim.linux.Processes.kill((int) pid(), signal);
    }

    @Override
    public void close() throws IOException {
        if (channel != null) {
            channel.close();
        }
        process.destroyForcibly();
        process.onExit().join();
        var answer = reply.join();
        if (answer.startsWith(SERVES)) {
            Files.deleteIfExists(Path.of(answer.substring(SERVES.length())));
        }
    }
}
