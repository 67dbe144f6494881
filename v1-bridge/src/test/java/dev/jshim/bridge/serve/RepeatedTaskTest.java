package dev.jshim.bridge.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Any;
import com.google.protobuf.Empty;
import dev.jshim.bridge.FakeContainer;
import dev.jshim.bridge.FakeV1Shim;
import dev.jshim.bridge.V1Rig;
import dev.jshim.bridge.end.Cleanup;
import dev.jshim.bridge.end.Orphan;
import dev.jshim.bridge.exit.AdoptedOoms;
import dev.jshim.bridge.record.AdoptedNotes;
import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.bridge.record.RememberedCgroup;
import dev.jshim.bridge.v1.ShimLink;
import dev.jshim.linux.Processes;
import dev.jshim.node.NodePaths;
import dev.jshim.proto.v1.shim.DeleteProcessRequest;
import dev.jshim.proto.v1.shim.ExecProcessRequest;
import dev.jshim.proto.v1.shim.KillRequest;
import dev.jshim.proto.v1.shim.StartRequest;
import dev.jshim.proto.v1.types.Status;
import dev.jshim.shim.cgroup.OomWatch;
import dev.jshim.shim.task.RepeatedTask;
import dev.jshim.task.ExecRequest;
import dev.jshim.task.Exit;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimException.Kind;
import dev.jshim.task.ShimSocket;
import dev.jshim.task.Stdio;
import dev.jshim.ttrpc.TtrpcServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Calls that a bridge had begun which is dead: done once, whether it had come to do them or not. */
class RepeatedTaskTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Any SPEC = Any.newBuilder()
            .setTypeUrl("types.containerd.io/opencontainers/runtime-spec/1/Process")
            .build();
    private static final Stdio STDIO = new Stdio("", "", "", false);

    @TempDir
    Path folder;

    private FakeContainer container;
    private FakeV1Shim shim;
    private BridgePaths paths;
    private AdoptedNotes notes;
    private AdoptedTask legacy;
    private RepeatedTask task;

    @BeforeEach
    void setUp() throws Exception {
        container = new FakeContainer(folder.resolve("root"), folder.resolve("state"), "ns", "c");
        shim = container.serve();
        var bundle = Files.createDirectories(folder.resolve("v2/bundle"));
        var record = container.record();
        paths = new BridgePaths(new NodePaths(folder.resolve("root"), folder.resolve("state")));
        Files.createDirectories(paths.directory());
        notes = AdoptedNotes.of(paths, record);
        var cgroup = new RememberedCgroup(record.init(), notes);
        var socket = ShimSocket.parse("unix://" + container.socket);
        legacy = new AdoptedTask(
                notes,
                bundle,
                new ShimLink("ns/c", socket, PATIENCE, () -> null),
                Empty::getDefaultInstance,
                new AdoptedOoms(new OomWatch(), cgroup, notes, event -> {}),
                new Orphan(record, cgroup, () -> true),
                new Cleanup(notes),
                _ -> {});
        task = new RepeatedTask(legacy);
    }

    @AfterEach
    void tearDown() throws Exception {
        legacy.detach();
        shim.close();
        container.kill();
    }

    private static void again(Runnable call) {
        TtrpcServer.repeated().run(call);
    }

    private long asked(Class<?> request) {
        return shim.asked.stream().filter(request::isInstance).count();
    }

    private static void assertFails(Kind kind, Runnable call) {
        assertThatThrownBy(() -> again(call))
                .isInstanceOfSatisfying(
                        ShimException.class, e -> assertThat(e.kind()).isEqualTo(kind));
    }

    @ParameterizedTest
    @ValueSource(strings = {"RUNNING", "STOPPED"})
    void whatWasStartedIsNotStartedAgain(String state) throws Exception {
        shim.states.put("e", Status.valueOf(state));
        List<Integer> started = new ArrayList<>();
        again(() -> task.start("e", started::add));
        assertThat(started).containsExactly(FakeV1Shim.EXEC_PID);
        assertThat(asked(StartRequest.class)).isZero();
        assertThat(notes.execs()).containsEntry("e", FakeV1Shim.EXEC_PID);
        V1Rig.eventually(() -> state.equals("STOPPED") || shim.isWaitedFor("e"));
    }

    @Test
    void whatWasNotStartedIs() {
        shim.states.put("e", Status.CREATED);
        List<Integer> started = new ArrayList<>();
        again(() -> task.start("e", started::add));
        assertThat(started).hasSize(1);
        assertThat(asked(StartRequest.class)).isEqualTo(1);
    }

    @Test
    void anExecIsAddedOnce() {
        again(() -> task.exec(new ExecRequest("e", STDIO, SPEC)));
        assertThat(asked(ExecProcessRequest.class)).isEqualTo(1);
        shim.states.put("e", Status.CREATED);
        var same = task.state("e").stdio();
        again(() -> task.exec(new ExecRequest("e", same, SPEC)));
        assertThat(asked(ExecProcessRequest.class)).isEqualTo(1);
        assertFails(
                Kind.ALREADY_EXISTS, () -> task.exec(new ExecRequest("e", new Stdio("", "/another", "", false), SPEC)));
    }

    @Test
    void aSignalThatMayHaveBeenSentIsNotSentTwice() {
        assertFails(Kind.UNAVAILABLE, () -> task.kill("", Processes.SIGTERM, false));
        assertThat(asked(KillRequest.class)).isZero();
        again(() -> task.kill("", Processes.SIGKILL, true));
        assertThat(asked(KillRequest.class)).isEqualTo(1);
        task.kill("", Processes.SIGTERM, false);
        assertThat(asked(KillRequest.class)).as("one that nobody has begun").isEqualTo(2);
    }

    @Test
    void aSignalToWhatHasEndedHasDoneItsWork() {
        shim.exit("c");
        again(() -> task.kill("", Processes.SIGTERM, false));
        shim.failures.put("kill", io.grpc.Status.NOT_FOUND);
        again(() -> task.kill("", Processes.SIGKILL, false));
    }

    @Test
    void aDeletionThatWasDoneIsAnsweredWithTheExit() throws Exception {
        shim.states.put("e", Status.RUNNING);
        assertThat(legacy.attach()).containsExactly("e");
        shim.exit("e");
        var exit = legacy.exited("e").get(30, TimeUnit.SECONDS);
        assertThat(task.delete("e").status()).isEqualTo(exit.status());
        shim.states.remove("e");
        shim.failures.put("deleteProcess", io.grpc.Status.NOT_FOUND);

        List<Exit> answers = new ArrayList<>();
        again(() -> answers.add(task.delete("e")));

        assertThat(answers).containsExactly(exit);
        assertThatThrownBy(() -> task.delete("e")).isInstanceOf(ShimException.class);
        assertFails(Kind.NOT_FOUND, () -> task.delete("unknown"));
        assertThat(asked(DeleteProcessRequest.class)).isGreaterThan(1);
    }

    @Test
    void anotherExecOfTheIdHasAnotherExit() throws Exception {
        notes.deleting("e", new Exit(1, 2, Exit.NEVER));
        notes.started("e", FakeV1Shim.EXEC_PID);
        assertThat(notes.deleting("e")).isNull();
        assertThat(AdoptedNotes.of(paths, container.record()).deleting("e")).isNull();
    }

    @Test
    void pauseAndResumeGoByTheState() {
        shim.states.put("c", Status.PAUSED);
        shim.failures.put("pause", io.grpc.Status.UNKNOWN);
        again(task::pause);
        shim.states.put("c", Status.RUNNING);
        shim.failures.put("resume", io.grpc.Status.UNKNOWN);
        again(task::resume);
        assertFails(Kind.UNKNOWN, task::pause);
    }

    @Test
    void whatCannotBeToldSaysSoOnce() {
        assertThatThrownBy(() -> again(() -> task.checkpoint("/image", Any.getDefaultInstance())))
                .hasMessageContaining("/image");
    }
}
