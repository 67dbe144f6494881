package dev.jshim.node.survey;

import static dev.jshim.node.bundle.Bundles.with;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.node.bundle.Bundles;
import dev.jshim.node.shim.FakeShims;
import dev.jshim.proto.v1.types.Status;
import dev.jshim.task.ProcessStatus;
import dev.jshim.task.TaskId;
import dev.jshim.ttrpc.TtrpcServer;
import io.grpc.BindableService;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class TaskSurveyTest {
    /** For who is mute on purpose. */
    private static final Duration BRIEF = Duration.ofSeconds(2);

    private static final String NO_PID = Integer.toString(Integer.MAX_VALUE);
    private static final String OWN_PID = Integer.toString(FakeShims.PID);

    @TempDir
    private Path directory;

    private final List<AutoCloseable> toClose = new ArrayList<>();
    private Bundles bundles = new Bundles(Path.of("/"));

    @BeforeEach
    void setUp() {
        bundles = new Bundles(directory);
    }

    @AfterEach
    void tearDown() throws Exception {
        for (var each : toClose) {
            each.close();
        }
    }

    private String listen(BindableService service) throws IOException {
        var path = directory.resolve("s" + toClose.size());
        var listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(path));
        var server = TtrpcServer.builder().addService(service).build();
        server.serve(listener);
        toClose.add(server);
        return "unix://" + path;
    }

    private String mute() throws IOException {
        var path = directory.resolve("m" + toClose.size());
        toClose.add(ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(path)));
        return "unix://" + path;
    }

    private List<NodeTask> survey() {
        return survey(Duration.ofSeconds(20));
    }

    private List<NodeTask> survey(Duration patience) {
        return new TaskSurvey(patience).of(Node.read(bundles.paths).bundles());
    }

    private NodeTask only() {
        var tasks = survey();
        assertThat(tasks).hasSize(1);
        return tasks.getFirst();
    }

    @Test
    void healthyTask() throws IOException {
        with(with(bundles.v1("ns", "c"), "address", listen(new FakeShims.V1("c"))), "init.pid", OWN_PID);
        var task = only();
        assertThat(task.health()).isEqualTo(Health.OK);
        assertThat(task.status()).isEqualTo(ProcessStatus.RUNNING);
        assertThat(task.pid()).isEqualTo(FakeShims.PID);
        assertThat(task.shimPid()).isEqualTo(FakeShims.PID);
        assertThat(task.api()).isEqualTo("v1");
        assertThat(task.runtime()).isEqualTo("io.containerd.runtime.v1.linux");
        assertThat(task.isBridged()).isFalse();
    }

    @Test
    void whoHasThePidOfOneThatHasStoppedIsNotItsInit() throws IOException {
        var shim = new FakeShims.V1("id");
        shim.status = Status.STOPPED;
        with(with(bundles.v1("ns", "id"), "address", listen(shim)), "init.pid", OWN_PID);
        var task = only();
        assertThat(task.init()).isNull();
        assertThat(task.health()).isEqualTo(Health.OK);
        assertThat(task.status()).isEqualTo(ProcessStatus.STOPPED);
    }

    @Test
    void bridgedContainerIsOneTask() throws IOException {
        with(bundles.v1("ns", "c"), "address", listen(new FakeShims.V1("c")));
        var beside = with(bundles.v2("ns", "c"), "address", listen(new FakeShims.V2()));
        with(beside, "shim-binary-path", "/opt/bin/containerd-shim-v1-linux");
        with(bundles.v2("other", "c"), "address", listen(new FakeShims.V2()));
        var tasks = survey();
        assertThat(tasks).extracting(NodeTask::task).containsExactly(new TaskId("ns", "c"), new TaskId("other", "c"));
        assertThat(tasks).extracting(NodeTask::isBridged).containsExactly(true, false);
        assertThat(tasks).extracting(NodeTask::api).containsExactly("v1", "v2");
        assertThat(tasks.getFirst().health()).isEqualTo(Health.OK);
    }

    @Test
    void deadBridgeIsSaid() throws IOException {
        with(bundles.v1("ns", "c"), "address", listen(new FakeShims.V1("c")));
        var beside = with(bundles.v2("ns", "c"), "address", "unix://" + directory.resolve("gone"));
        with(beside, "shim-binary-path", "/opt/bin/containerd-shim-v1-linux");
        var task = only();
        assertThat(task.health()).isEqualTo(Health.DEGRADED);
        assertThat(task.troubles()).containsExactly("bridge: the socket is gone");
    }

    @Test
    void muteOnesAreAskedAtOnce() throws IOException {
        for (var i = 0; i < 20; i++) {
            with(bundles.v1("ns", "c" + i), "address", mute());
        }
        var start = System.nanoTime();
        var tasks = survey(BRIEF);
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(15));
        assertThat(tasks)
                .hasSize(20)
                .allSatisfy(task -> assertThat(task.health()).isEqualTo(Health.MUTE));
    }

    @Test
    void withoutShim() throws IOException {
        var orphan = with(bundles.v1("ns", "a-orphan"), "address", "unix:///nowhere");
        with(with(orphan, "init.pid", OWN_PID), "config.json", "{}");
        var dead = with(bundles.v1("ns", "b-dead"), "address", "unix:///nowhere");
        with(dead, "init.pid", NO_PID);
        bundles.v2("ns", "c-leaked");
        var tasks = survey();
        assertThat(tasks).extracting(NodeTask::health).containsExactly(Health.ORPHAN, Health.DEAD, Health.LEAKED);
        assertThat(tasks)
                .extracting(NodeTask::status)
                .containsExactly(ProcessStatus.RUNNING, ProcessStatus.STOPPED, ProcessStatus.UNKNOWN);
    }

    @Test
    void recordedPidOfAnotherProcessIsNotTheShim() throws IOException {
        with(with(bundles.v1("ns", "c"), "address", "unix:///nowhere"), "shim.pid", OWN_PID);
        assertThat(only().shimPid()).isZero();
    }

    /**
     * One after the other the mute ones alone would take 200 s; here they take the one deadline that all share. On a
     * machine that does nothing else it is done in less than 3 s, which one that runs other tests cannot keep.
     */
    @Test
    void fiveHundredAreAskedAtOnce() throws IOException {
        for (var i = 0; i < 400; i++) {
            with(bundles.v1("ns", "c" + i), "address", listen(new FakeShims.V1("c" + i)));
        }
        for (var i = 0; i < 100; i++) {
            with(bundles.v1("ns", "m" + i), "address", mute());
        }
        var start = System.nanoTime();
        var tasks = survey(BRIEF);
        var took = Duration.ofNanos(System.nanoTime() - start);
        System.out.println("a survey of 500 shims, 100 of them mute for 2 s: " + took.toMillis() + " ms");
        assertThat(tasks).hasSize(500);
        assertThat(tasks.stream().filter(task -> task.health() == Health.MUTE)).hasSizeGreaterThanOrEqualTo(100);
        assertThat(took).isLessThan(Duration.ofSeconds(20));
    }
}
