package dev.jshim.it;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A Docker of one's own on the folders of a {@link PrivateContainerd}, whose name its namespaces and its cgroup carry,
 * so that all that it leaves behind is found again. Its containerd is that one, or one that dockerd starts itself, as
 * it does if it is not told of any.
 *
 * <p>What it touches outside of its folders: dockerd makes {@code /run/docker/plugins}, and a containerd 2 that it
 * starts listens in {@code /run/nri}. It makes no bridge and no rule for packets, unless {@link #withNetwork} gives it
 * a network of its own.
 *
 * <p>Used by one thread, but that several may run {@link #docker}. {@link #close} cleans up whatever happened.
 */
final class PrivateDocker implements AutoCloseable {
    /** The name of our shim in its configuration. */
    static final String JSHIM = "jshim";

    private static final Duration STOP = Duration.ofSeconds(40);

    private final PrivateContainerd node;
    private final boolean startsContainerd;
    private final JsonObject settings = new JsonObject();
    private DockerRelease release;
    private List<String> network = List.of();
    private final DaemonProcess process;

    private PrivateDocker(DockerRelease release, PrivateContainerd node, boolean startsContainerd) {
        this.release = release;
        this.node = node;
        this.startsContainerd = startsContainerd;
        // A dockerd that meets the containerd of the one before waits 10 s for its end.
        process = new DaemonProcess(log(), STOP, true);
        settings.add("runtimes", JsonParser.parseString("""
                {"%s": {"runtimeType": "%s"}}""".formatted(JSHIM, Product.RUNTIME)));
    }

    /**
     * One that is not started yet and has no image.
     *
     * @param startsContainerd whether dockerd starts that containerd, and ends it with itself
     */
    static PrivateDocker create(DockerRelease release, Release containerd, boolean startsContainerd) {
        assumeTrue(release.present(), "Debian's mirror has no Docker " + release);
        PrivateContainerd node = PrivateContainerd.create(containerd);
        PrivateDocker docker = new PrivateDocker(release, node, startsContainerd);
        try {
            Files.createDirectory(node.dir().resolve("config"));
            if (startsContainerd) {
                // Where the harness, and what looks for leftovers, expects the folders and the socket of a containerd.
                Files.createSymbolicLink(node.root(), docker.dataRoot().resolve("containerd/daemon"));
                Files.createSymbolicLink(node.state(), docker.execRoot().resolve("containerd/daemon"));
                Files.createSymbolicLink(node.socket(), docker.execRoot().resolve("containerd/containerd.sock"));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return docker;
    }

    /** Before the first start: names the OCI runtime that is found as runc. */
    PrivateDocker use(Engine engine) {
        node.use(engine);
        return this;
    }

    /** Before the first start: gives it a bridge and rules for packets, in a network namespace of its own. */
    PrivateDocker withNetwork() {
        Run.of(List.of("ip", "netns", "add", node.namespace())).run().ok();
        network = List.of("nsenter", "--net=/run/netns/" + node.namespace());
        node.wrap(network);
        inNetwork("ip", "link", "set", "lo", "up").ok();
        return this;
    }

    /** Runs a command in that network namespace. */
    Outcome inNetwork(String... command) {
        List<String> words = new ArrayList<>(network);
        words.addAll(List.of(command));
        return Run.of(words).run();
    }

    /** From its next start on this stands in its configuration file. */
    PrivateDocker set(String key, String json) {
        settings.add(key, JsonParser.parseString(json));
        return this;
    }

    /** Starts both daemons, and gives Docker the image if it has none. */
    PrivateDocker start() {
        if (!startsContainerd) {
            node.start();
        }
        startDocker();
        if (docker("images", "--quiet").ok().out().isEmpty()) {
            try {
                Path archive = Image.archive(node.dir().resolve("image"));
                docker("load", "--input", archive.toString()).ok();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return this;
    }

    /** Has the running dockerd take up what was set since. */
    void reload() {
        writeConfiguration();
        if (process.runs()) {
            Run.of(List.of("kill", "-HUP", Long.toString(process.pid()))).run().ok();
        }
    }

    private Path writeConfiguration() {
        JsonObject all = settings.deepCopy();
        if (release.old()) {
            all.remove("runtimes"); // It knows paths of OCI runtimes alone.
            all.addProperty(
                    "deprecated-key-path", node.dir().resolve("key.json").toString());
        }
        try {
            return Files.writeString(node.dir().resolve("daemon.json"), all.toString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Starts dockerd alone and waits until it answers. */
    void startDocker() {
        try {
            ProcessBuilder builder = node.builder(command(writeConfiguration()));
            builder.environment().merge("PATH", release.folder().toString(), (path, first) -> first + ":" + path);
            process.start("Docker " + release, builder, this::answers);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private List<String> command(Path file) {
        List<String> command = new ArrayList<>(List.of(
                release.folder().resolve("dockerd").toString(),
                "--config-file=" + file,
                "--data-root=" + dataRoot(),
                "--exec-root=" + execRoot(),
                "--pidfile=" + pidFile(),
                "--host=unix://" + socket(),
                "--containerd-namespace=" + node.namespace(),
                "--containerd-plugins-namespace=" + node.namespace() + "-plugins",
                "--cgroup-parent=/" + node.namespace()));
        if (network.isEmpty()) {
            command.addAll(List.of("--bridge=none", "--iptables=false", "--ip-forward=false"));
            if (release != DockerRelease.V19) {
                command.add("--ip6tables=false");
            }
        }
        if (!startsContainerd) {
            command.add("--containerd=" + node.socket());
        }
        return command;
    }

    /** A script that starts dockerd of the version that is installed, for who exchanges it by commands. */
    Path startScript() {
        ProcessBuilder builder = node.builder(command(writeConfiguration()));
        builder.environment().merge("PATH", release.folder().toString(), (path, first) -> first + ":" + path);
        List<String> words = new ArrayList<>(List.of("exec", "setsid", "env", "-i"));
        builder.environment().forEach((name, value) -> words.add("'" + name + "=" + value + "'"));
        words.addAll(builder.command());
        try {
            return Files.writeString(
                    node.dir().resolve("start-" + release),
                    "cd " + node.dir() + "\n" + String.join(" ", words) + " >>" + log() + " 2>&1 </dev/null &\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Makes a dockerd that was started by that script this one's, and waits until it answers. */
    void takeOver() {
        Wait.until("dockerd has said its pid", () -> Files.exists(pidFile()));
        try {
            long pid = Long.parseLong(Files.readString(pidFile()).strip());
            process.takeOver("Docker " + release, ProcessHandle.of(pid).orElseThrow(), this::answers);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** It is there as long as dockerd runs. */
    Path pidFile() {
        return node.dir().resolve("docker.pid");
    }

    private boolean answers() {
        return Files.exists(socket()) && docker("version").code() == 0;
    }

    /** Ends dockerd with SIGTERM, and its own containerd with it; nothing happens if it does not run. */
    void stop() {
        process.end(false);
    }

    /** Ends dockerd with SIGKILL, and its own containerd with it. */
    void kill9() {
        process.end(true);
    }

    /** Both daemons, stopped, are from their next start on of these versions. */
    void install(DockerRelease docker, Release containerd) {
        assumeTrue(docker.present(), "Debian's mirror has no Docker " + docker);
        release = docker;
        node.install(containerd);
    }

    /** The containerd; it is not to be started by anybody else if dockerd starts it. */
    PrivateContainerd node() {
        return node;
    }

    /** The containerd that dockerd has started. */
    ProcessFacts containerd() throws IOException {
        Path file = execRoot().resolve("containerd/containerd.pid");
        return ProcessFacts.of(Long.parseLong(Files.readString(file).strip()));
    }

    boolean startsContainerd() {
        return startsContainerd;
    }

    Path dataRoot() {
        return node.dir().resolve("docker");
    }

    Path execRoot() {
        return node.dir().resolve("exec");
    }

    private Path socket() {
        return node.dir().resolve("c.sock.docker");
    }

    Path log() {
        return node.dir().resolve("docker.log");
    }

    /** What the dockerds, and containerds that they have started, have logged so far. */
    String logText() {
        return process.logText();
    }

    /** Runs the client. */
    Outcome docker(String... args) {
        return client(args).run();
    }

    /** The client, to be run. */
    Run client(String... args) {
        return Run.of(words(args)).variables(variables());
    }

    /** The client on a terminal of its own, to be run. */
    Run clientOnTerminal(String... args) {
        return PrivateContainerd.onTerminal(words(args)).variables(variables());
    }

    private List<String> words(String... args) {
        node.rememberSockets();
        List<String> words = new ArrayList<>();
        words.add(release.folder().resolve("docker").toString());
        words.addAll(List.of(args));
        return words;
    }

    private Map<String, String> variables() {
        return Map.of(
                "DOCKER_HOST",
                "unix://" + socket(),
                "DOCKER_CONFIG",
                node.dir().resolve("config").toString());
    }

    /** Starts a container of the image in the background, without a network if its flags do not name one. */
    void run(String name, List<String> flags, String... argv) {
        List<String> words = new ArrayList<>(List.of("run", "-d", "--name=" + name));
        if (flags.stream().noneMatch(flag -> flag.startsWith("--network"))) {
            words.add("--network=none");
        }
        words.addAll(flags);
        words.add(Image.NAME);
        words.addAll(List.of(argv));
        docker(words.toArray(String[]::new)).ok();
    }

    /** The init process of a running container. */
    ProcessFacts init(String name) {
        return ProcessFacts.of(Long.parseLong(inspect(name, "{{.State.Pid}}")));
    }

    /** The JVM that serves a running container of our shim. */
    ProcessFacts jvm(String name) {
        try {
            Path file = node.bundle(inspect(name, "{{.Id}}")).resolve("shim.pid");
            long shim = Long.parseLong(Files.readString(file).strip());
            return Wait.forValue(
                    "a JVM of " + shim, () -> ProcessFacts.find(Shims.jvm(shim)).orElse(null));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What Docker says of a container, by a template of its own. */
    String inspect(String name, String template) {
        return docker("inspect", "--format", template, name).ok().out();
    }

    /**
     * A line for each container with all that {@code docker stats} shows, and SOME for what is not zero and changes.
     */
    List<String> stats(String... names) {
        String format =
                "cpu {{.CPUPerc}} mem {{.MemUsage}} {{.MemPerc}} net {{.NetIO}} block {{.BlockIO}} pids {{.PIDs}}";
        List<String> words = new ArrayList<>(List.of("stats", "--no-stream", "--format", format));
        words.addAll(List.of(names));
        return docker(words.toArray(String[]::new))
                .ok()
                .out()
                .lines()
                .map(line -> line.replaceAll("(?<=(cpu|mem|iB|pids) )[0-9.]*[1-9][0-9.]*([KM]iB|%|$)", "SOME"))
                .toList();
    }

    /** One of Docker's words for how a container is. */
    String status(String name) {
        return inspect(name, "{{.State.Status}}");
    }

    /** Waits for an end, and answers its exit code. */
    int exitOf(String name) {
        return Integer.parseInt(docker("wait", name).ok().out());
    }

    /** All that Docker says of a container. */
    JsonElement all(String name) {
        return JsonParser.parseString(docker("inspect", name).ok().out())
                .getAsJsonArray()
                .get(0);
    }

    /** Stops both daemons and waits until nothing of them is left on the machine, but what they always leave. */
    void finish() {
        stop();
        // Left by a dockerd with live-restore, and by one that had a container on the host's network.
        for (Path mount : List.of(dataRoot(), execRoot().resolve("netns/default"))) {
            Run.of(List.of("umount", mount.toString())).run();
        }
        deleteNetwork();
        delete(execRoot().resolve("libnetwork")); // Sockets of dockerds that were killed.
        delete(execRoot().resolve("containerd/containerd.sock.ttrpc"));
        delete(execRoot().resolve("containerd/containerd-debug.sock"));
        node.finish(Duration.ofSeconds(60));
    }

    private void deleteNetwork() {
        if (!network.isEmpty()) {
            Run.of(List.of("ip", "netns", "delete", node.namespace())).run();
        }
    }

    private static void delete(Path path) {
        Run.of(List.of("rm", "-rf", path.toString())).run().ok();
    }

    @Override
    public void close() {
        try {
            kill9();
            deleteNetwork();
        } finally {
            node.close();
        }
    }
}
