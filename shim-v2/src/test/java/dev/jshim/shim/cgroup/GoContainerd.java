package dev.jshim.shim.cgroup;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A containerd of its own, with one container under the machine's Go shim. Everything it makes lies in the directory,
 * or carries the namespace in its name, and is gone after {@link #close}.
 */
final class GoContainerd implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final String ID = "web";

    private final String namespace = "jshim-metrics-" + ProcessHandle.current().pid();
    private final Path directory;
    private final Process daemon;

    GoContainerd(Path directory) throws IOException {
        this.directory = directory;
        var config = directory.resolve("config.toml");
        Files.writeString(config, """
                version = 2
                root = "%1$s/root"
                state = "%1$s/state"
                disabled_plugins = ["io.containerd.grpc.v1.cri"]
                [grpc]
                  address = "%1$s/c.sock"
                [ttrpc]
                  address = "%1$s/c.sock.ttrpc"
                """.formatted(directory));
        daemon = new ProcessBuilder("containerd", "-c", config.toString())
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("containerd.log").toFile())
                .start();
        var end = System.nanoTime() + LIMIT.toNanos();
        while (!Files.exists(directory.resolve("c.sock.ttrpc"))) {
            if (System.nanoTime() > end || hasEnded(daemon, Duration.ofMillis(20))) {
                daemon.destroyForcibly();
                throw new IOException(Files.readString(directory.resolve("containerd.log")));
            }
        }
    }

    /** Starts the container with busybox as its only program, and gives the pid of its init. */
    int run(String script) throws IOException {
        var rootfs = directory.resolve("rootfs");
        for (var name : List.of("bin", "proc", "sys", "dev", "tmp")) {
            Files.createDirectories(rootfs.resolve(name));
        }
        var busybox = rootfs.resolve("bin/sh");
        Files.copy(Path.of("/bin/busybox"), busybox);
        Files.setPosixFilePermissions(busybox, PosixFilePermissions.fromString("rwxr-xr-x"));
        ctr(
                "run -d --runtime io.containerd.runc.v2 --memory-limit 67108864 --cpu-period 100000 --cpu-quota 50000"
                        + " --null-io --rootfs",
                rootfs.toString(),
                ID,
                "/bin/sh",
                "-c",
                script);
        for (var line : new Lines(ctr("task ls"))) {
            var fields = Lines.fields(line, " \t");
            if (fields.getFirst().equals(ID)) {
                return Integer.parseInt(fields.get(1));
            }
        }
        throw new IOException("no task " + ID);
    }

    void exec(String script) throws IOException {
        ctr("task exec --exec-id work --fifo-dir " + directory + "/fifo " + ID, "/bin/sh", "-c", script);
    }

    void pause() throws IOException {
        ctr("task pause " + ID);
    }

    GoMetrics metrics() throws IOException {
        return GoMetrics.parse(ctr("task metrics --format json " + ID));
    }

    /** The processes that containerd lists, in its order. */
    List<Integer> pids() throws IOException {
        var pids = new ArrayList<Integer>();
        for (var line : new Lines(ctr("task ps " + ID))) {
            var pid = Lines.fields(line, " \t").getFirst();
            if (!pid.equals("PID")) {
                pids.add(Integer.valueOf(pid));
            }
        }
        return pids;
    }

    /** The directory of the container's cgroup in one v1 hierarchy. */
    Path cgroup(String controller) {
        return Path.of("/sys/fs/cgroup", controller, namespace, ID);
    }

    /** Runs ctr with the words of a line and then the arguments as they are, and gives what it printed. */
    private String ctr(String words, String... arguments) throws IOException {
        var command = new ArrayList<>(List.of("ctr", "-a", directory + "/c.sock", "-n", namespace));
        command.addAll(Lines.fields(words, " "));
        command.addAll(List.of(arguments));
        // By a file: a background process that keeps a pipe open would keep its reader.
        var output = Files.createTempFile(directory, "ctr", ".out");
        var error = Files.createTempFile(directory, "ctr", ".err");
        var process = new ProcessBuilder(command)
                .redirectInput(Path.of("/dev/null").toFile())
                .redirectOutput(output.toFile())
                .redirectError(error.toFile())
                .start();
        if (!hasEnded(process, LIMIT)) {
            process.destroyForcibly();
            throw new IOException(command + " takes too long: " + Files.readString(error));
        }
        if (process.exitValue() != 0) {
            throw new IOException(command + ": " + Files.readString(error));
        }
        return Files.readString(output);
    }

    @Override
    public void close() throws IOException {
        try {
            attempt("task resume " + ID);
            attempt("task rm --force " + ID);
            attempt("container rm " + ID);
            attempt("namespace rm " + namespace);
        } finally {
            daemon.destroy();
            if (!hasEnded(daemon, LIMIT)) {
                daemon.destroyForcibly();
            }
            removeEmpty(Path.of("/run/containerd/runc", namespace));
            try (var hierarchies = Files.newDirectoryStream(Path.of("/sys/fs/cgroup"))) {
                for (var hierarchy : hierarchies) {
                    removeEmpty(hierarchy.resolve(namespace));
                }
            }
        }
    }

    private static boolean hasEnded(Process process, Duration limit) throws IOException {
        try {
            return process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("waiting for pid " + process.pid());
        }
    }

    private void attempt(String words) throws IOException {
        try {
            ctr(words);
        } catch (IOException e) {
            System.err.println(e.getMessage());
        }
    }

    /** Cgroups cannot be emptied like other directories: only directories are removed, from below. */
    private static void removeEmpty(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            return;
        }
        try (var found = Files.walk(directory)) {
            for (var path : found.filter(Files::isDirectory)
                    .sorted(Comparator.reverseOrder())
                    .toList()) {
                Files.delete(path);
            }
        }
    }
}
