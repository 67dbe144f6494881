package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.proto.cri.ContainerConfig;
import dev.jshim.proto.cri.ContainerState;
import dev.jshim.proto.cri.ContainerStatus;
import dev.jshim.proto.cri.NamespaceMode;
import dev.jshim.proto.cri.PodSandboxState;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Pods that an old daemon made on the v1 runtime: one with a network of its own by the default handler, one on the
 * host's network by a handler whose runtime has options. After it nothing of them may be left on the machine.
 */
@SuppressWarnings("NullAway.Init") // All is set before each test.
abstract class PodScenario {
    /** Every old daemon; in the normal run the one that Debian 12 has. */
    static Stream<Release> oldReleases() {
        boolean all = System.getProperty("jshim.test.all", "false").equals("true");
        return all ? MigrationScenario.oldReleases() : Stream.of(Release.V1_6);
    }

    /** Longer than a shim stays that nobody needs any more. */
    private static final Duration QUIET = Duration.ofSeconds(30);

    /** The namespace of all that CRI makes, in every daemon. */
    private static final String NAMESPACE = "k8s.io";

    /** Counts; while there is a file {@code hold} it goes on no further, and says in {@code held} how far it came. */
    private static final String COUNT = "trap 'exit 42' TERM; i=0; while :; do i=$((i+1)); echo $i; sleep 0.2;"
            + " while [ -e /hold ]; do echo $i >/held; sleep 0.05; done; done";

    final Release old;
    PrivateContainerd node;
    Cri cri;
    Pod web;
    Pod host;
    private CriLock lock;
    private final Map<String, ProcessFacts> processes = new LinkedHashMap<>();
    private @Nullable CriLog count;
    private boolean failed;

    @RegisterExtension
    final AfterTestExecutionCallback outcome =
            context -> failed = context.getExecutionException().isPresent();

    PodScenario(Release old) {
        this.old = old;
    }

    @BeforeEach
    void start() throws IOException {
        Product.home();
        lock = CriLock.take();
        node = PrivateContainerd.create(old, new CriConfig());
        node.setVariable("JSHIM_JAVA_OPTS", "-Djshim.grace=3");
        prepare();
        startDaemon();
        node.ctrIn(
                        NAMESPACE,
                        "images",
                        "import",
                        Image.archive(node.dir().resolve("image")).toString())
                .ok();
        cri.awaitImage(Image.NAME);
        cri.awaitImage(Image.PAUSE);
        makePods();
    }

    /** Before the daemon's first start. */
    void prepare() {
        // Nothing is special about it.
    }

    void makePods() {
        web = pod("web", NamespaceMode.POD, "");
        host = pod("host", NamespaceMode.NODE, CriConfig.WITH_OPTIONS);
    }

    @AfterEach
    void nothingIsLeft() {
        if (lock == null) {
            return;
        }
        try (var _ = lock) {
            if (node == null) {
                return;
            }
            try {
                if (!failed) {
                    node.stop();
                    migrate("rollback").ok(); // Ends the bridge at once.
                    node.finish(QUIET);
                }
            } finally {
                node.close();
            }
        }
    }

    /** Starts a daemon of that version on all that the one before has left. */
    void startDaemon(Release release) {
        node.switchTo(release);
        connect();
    }

    /** Starts the daemon again that ran last. */
    void startDaemon() {
        node.start();
        connect();
    }

    /** Speaks to the daemon that was started by somebody else. */
    void connect() {
        cri = node.attach(new Cri(node));
        cri.awaitReady();
    }

    /** Kills the daemon. */
    void killDaemon() {
        endDaemon(node::kill9);
    }

    /** Stops the daemon. */
    void stopDaemon() {
        endDaemon(node::stop);
    }

    /**
     * While nothing of the {@link #counter} is on its way through the daemon: a line that it has read and not written
     * yet ends with it, whatever shim it came from. What is counted while no daemon runs must come afterwards.
     */
    private void endDaemon(Runnable end) {
        ProcessFacts counter = processes.get("counter");
        if (counter == null || !counter.alive()) {
            end.run();
            return;
        }
        Path root = Path.of("/proc/" + counter.pid() + "/root");
        CriLog log = Objects.requireNonNull(count);
        try {
            Files.deleteIfExists(root.resolve("held"));
            Files.createFile(root.resolve("hold"));
            Wait.until("the count stands in the log", () -> isAllIn(log, root.resolve("held")));
            end.run();
            Files.delete(root.resolve("hold"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean isAllIn(CriLog log, Path held) {
        try {
            return Files.exists(held)
                    && log.lines().getLast().equals(Files.readString(held).strip());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Stops the old daemon, adopts all, starts the new one. */
    void upgrade() {
        stopDaemon();
        migrate("apply").ok();
        startDaemon(Release.V2);
    }

    /** Runs {@code jshimctl migrate}. */
    Outcome migrate(String what) {
        return Product.ctl(node, "--timeout", "30s", "migrate", what, "--yes");
    }

    /** A pod whose first process is to go on under the same number. */
    Pod pod(String name, NamespaceMode network, String handler) {
        Pod pod = cri.runPod(name, network, handler);
        var _ = remember(name, pod.id());
        return pod;
    }

    /** A container, started, whose init process is to go on under the same number. */
    String container(Pod pod, ContainerConfig.Builder config) {
        String id = cri.start(pod, config);
        var _ = remember(config.getMetadata().getName(), id);
        return id;
    }

    /** A container named {@code counter} that counts to its log, and ends with 42 when it is told to. */
    String counter(Pod pod, int attempt) {
        String id = container(pod, Cri.container(pod, "counter", attempt, "/bin/sh", "-c", COUNT));
        count = pod.log("counter", attempt);
        Wait.until("it counts", () -> !pod.log("counter", attempt).lines().isEmpty());
        return id;
    }

    /** The init process of a container is to go on under the same number. */
    ProcessFacts remember(String name, String id) {
        ProcessFacts init = ProcessFacts.of(Tasks.parse(tasks()).get(id).pid());
        processes.put(name, init);
        return init;
    }

    private String tasks() {
        return node.ctrIn(NAMESPACE, "task", "ls").ok().out();
    }

    /** Says that the containers are Running, and are the processes that they were. */
    void assertRunning(String... containers) {
        for (String container : containers) {
            var status = cri.status(container);
            assertThat(status.getState()).as("%s", status).isEqualTo(ContainerState.CONTAINER_RUNNING);
            ProcessFacts process = init(status.getMetadata().getName());
            assertThat(process).matches(ProcessFacts::alive, "runs");
            assertThat(Tasks.parse(tasks()).get(container).pid()).isEqualTo(process.pid());
        }
    }

    /** Says that pods are Ready, and that what holds their namespaces is the process that it was. */
    void assertReady(Pod... pods) {
        assertThat(pods).allMatch(this::isReady);
        assertThat(pods).allMatch(pod -> init(pod.name()).alive());
    }

    boolean isReady(Pod pod) {
        return cri.status(pod).getState() == PodSandboxState.SANDBOX_READY;
    }

    /** Removes pods, and says that containerd knows nothing any more of what was in them. */
    void removeAll(Pod... pods) {
        Stream.of(pods).forEach(cri::remove);
        assertThat(node.ctrIn(NAMESPACE, "task", "ls", "-q").ok().out()).isEmpty();
        assertThat(node.ctrIn(NAMESPACE, "container", "ls", "-q").ok().out()).isEmpty();
        assertThat(node.ctrIn(NAMESPACE, "snapshot", "ls").ok().out()).doesNotContain("Active");
    }

    /** Of an adopted container. */
    Path bundle(String id) {
        return node.state()
                .resolve("io.containerd.runtime.v2.task")
                .resolve(NAMESPACE)
                .resolve(id);
    }

    /** The init process of what was made by {@link #container} or {@link #pod}. */
    ProcessFacts init(String name) {
        return Objects.requireNonNull(processes.get(name));
    }

    /** A container that waits for {@link #go}, and then does something. */
    static ContainerConfig.Builder waiting(Pod pod, String name, String then) {
        return Cri.container(pod, name, 0, "/bin/sh", "-c", "while [ ! -e /go ]; do sleep 0.05; done; " + then);
    }

    /** Lets a {@link #waiting} container go on, whether a daemon runs or not. */
    void go(String name) throws IOException {
        Files.createFile(Path.of("/proc/" + init(name).pid() + "/root/go"));
    }

    /** Waits for a container's end. */
    ContainerStatus exited(String container) {
        return Wait.forValue("end of container " + container, () -> {
            ContainerStatus status = cri.status(container);
            return status.getState() == ContainerState.CONTAINER_EXITED ? status : null;
        });
    }
}
