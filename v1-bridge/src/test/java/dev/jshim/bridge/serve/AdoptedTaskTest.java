package dev.jshim.bridge.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Empty;
import com.google.protobuf.Message;
import dev.jshim.bridge.FakeContainer;
import dev.jshim.bridge.FakeV1Shim;
import dev.jshim.bridge.V1Rig;
import dev.jshim.bridge.end.Cleanup;
import dev.jshim.bridge.end.Orphan;
import dev.jshim.bridge.exit.AdoptedOoms;
import dev.jshim.bridge.exit.V1Exits;
import dev.jshim.bridge.record.AdoptedNotes;
import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.bridge.record.RememberedCgroup;
import dev.jshim.bridge.v1.ShimLink;
import dev.jshim.node.NodePaths;
import dev.jshim.proto.v1.runc.CheckpointOptions;
import dev.jshim.proto.v1.shim.CheckpointTaskRequest;
import dev.jshim.proto.v1.shim.CloseIORequest;
import dev.jshim.proto.v1.shim.DeleteProcessRequest;
import dev.jshim.proto.v1.shim.ExecProcessRequest;
import dev.jshim.proto.v1.shim.KillRequest;
import dev.jshim.proto.v1.shim.ResizePtyRequest;
import dev.jshim.proto.v1.shim.StartRequest;
import dev.jshim.proto.v1.shim.UpdateTaskRequest;
import dev.jshim.proto.v1.types.Status;
import dev.jshim.shim.cgroup.OomWatch;
import dev.jshim.task.ExecRequest;
import dev.jshim.task.Exit;
import dev.jshim.task.ListedPid;
import dev.jshim.task.ProcessStatus;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimException.Kind;
import dev.jshim.task.ShimSocket;
import dev.jshim.task.Stdio;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Each call of the v2 API as the v1 shim sees it, and each failure as the client sees it. */
class AdoptedTaskTest {
    private static final Instant AT = Instant.ofEpochSecond(1_700_000_000, 7);
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Any SPEC = Any.newBuilder()
            .setTypeUrl("types.containerd.io/opencontainers/runtime-spec/1/Process")
            .setValue(ByteString.copyFromUtf8("{}"))
            .build();

    @TempDir
    Path folder;

    private FakeContainer container;
    private FakeV1Shim shim;
    private AdoptedTask task;
    private RememberedCgroup cgroup;
    private volatile boolean orphansAreKept = true;
    private final List<Exit> deleted = new CopyOnWriteArrayList<>();
    private BridgePaths paths;
    private AdoptedNotes notes;
    private Path bundle;

    @BeforeEach
    void setUp() throws Exception {
        container = new FakeContainer(folder.resolve("root"), folder.resolve("state"), "ns", "c");
        shim = container.serve();
        paths = new BridgePaths(new NodePaths(folder.resolve("root"), folder.resolve("state")));
        bundle = Files.createDirectories(folder.resolve("v2/bundle"));
        Files.createDirectories(paths.directory());
        notes = AdoptedNotes.of(paths, container.record());
        cgroup = new RememberedCgroup(container.record().init(), notes);
        task = task(PATIENCE);
    }

    /** @param glance after which it answers without its shim, on a machine too that is but busy */
    private AdoptedTask task(Duration glance) {
        var ooms = new AdoptedOoms(new OomWatch(), cgroup, notes, event -> {});
        return new AdoptedTask(
                notes,
                bundle,
                link(glance),
                Empty::getDefaultInstance,
                ooms,
                orphan(),
                new Cleanup(notes),
                deleted::add);
    }

    private ShimLink link(Duration glance) {
        var socket = ShimSocket.parse("unix://" + container.socket);
        return new ShimLink("ns/c", socket, glance, () -> null);
    }

    private Orphan orphan() {
        return new Orphan(container.record(), cgroup, () -> orphansAreKept);
    }

    @AfterEach
    void tearDown() throws Exception {
        task.detach();
        shim.close();
        container.kill();
    }

    interface Call {
        void on(AdoptedTask task);
    }

    static Stream<Arguments> calls() {
        return Stream.of(
                Arguments.of(
                        "start of init",
                        call(t -> t.start("", pid -> {})),
                        StartRequest.newBuilder().setId("c").build()),
                Arguments.of(
                        "start of an exec",
                        call(t -> t.start("e", pid -> {})),
                        StartRequest.newBuilder().setId("e").build()),
                Arguments.of("delete of init", call(t -> t.delete("")), Empty.getDefaultInstance()),
                Arguments.of(
                        "delete of an exec",
                        call(t -> t.delete("e")),
                        DeleteProcessRequest.newBuilder().setId("e").build()),
                Arguments.of("pause", call(AdoptedTask::pause), Empty.getDefaultInstance()),
                Arguments.of("resume", call(AdoptedTask::resume), Empty.getDefaultInstance()),
                Arguments.of(
                        "kill of all",
                        call(t -> t.kill("", 9, true)),
                        KillRequest.newBuilder()
                                .setId("c")
                                .setSignal(9)
                                .setAll(true)
                                .build()),
                Arguments.of(
                        "kill of an exec",
                        call(t -> t.kill("e", 15, false)),
                        KillRequest.newBuilder().setId("e").setSignal(15).build()),
                Arguments.of(
                        "exec",
                        call(t -> t.exec(new ExecRequest("e", new Stdio("i", "o", "r", true), SPEC))),
                        ExecProcessRequest.newBuilder()
                                .setId("e")
                                .setTerminal(true)
                                .setStdin("i")
                                .setStdout("o")
                                .setStderr("r")
                                .setSpec(SPEC)
                                .build()),
                Arguments.of(
                        "resize",
                        call(t -> t.resize("", 80, 25)),
                        ResizePtyRequest.newBuilder()
                                .setId("c")
                                .setWidth(80)
                                .setHeight(25)
                                .build()),
                Arguments.of(
                        "close of stdin",
                        call(t -> t.closeStdin("e")),
                        CloseIORequest.newBuilder().setId("e").setStdin(true).build()),
                Arguments.of(
                        "update, whose annotations v1 has no place for",
                        call(t -> t.update(ByteString.copyFromUtf8("{}"), Map.of("a", "b"))),
                        UpdateTaskRequest.newBuilder()
                                .setResources(Any.newBuilder()
                                        .setTypeUrl("types.containerd.io/opencontainers/runtime-spec/1/LinuxResources")
                                        .setValue(ByteString.copyFromUtf8("{}")))
                                .build()),
                Arguments.of(
                        "checkpoint without options",
                        call(t -> t.checkpoint("/p", Any.getDefaultInstance())),
                        CheckpointTaskRequest.newBuilder()
                                .setPath("/p")
                                // Without any a v1 shim of 1.7 panics.
                                .setOptions(Any.newBuilder().setTypeUrl("containerd.linux.runc.CheckpointOptions"))
                                .build()),
                Arguments.of(
                        "checkpoint with options of v2",
                        call(t -> t.checkpoint("/p", v2Options())),
                        CheckpointTaskRequest.newBuilder()
                                .setPath("/p")
                                .setOptions(Any.newBuilder()
                                        .setTypeUrl("containerd.linux.runc.CheckpointOptions")
                                        .setValue(v1Options().toByteString()))
                                .build()));
    }

    private static Call call(Call call) {
        return call;
    }

    private static Any v2Options() {
        return Any.newBuilder()
                .setTypeUrl("containerd.runc.v1.CheckpointOptions")
                .setValue(dev.jshim.proto.v2.runc.CheckpointOptions.newBuilder()
                        .setExit(true)
                        .setOpenTcp(true)
                        .setExternalUnixSockets(true)
                        .setTerminal(true)
                        .setFileLocks(true)
                        .addEmptyNamespaces("network")
                        .setCgroupsMode("soft")
                        .setImagePath("/image")
                        .setWorkPath("/work")
                        .build()
                        .toByteString())
                .build();
    }

    private static CheckpointOptions v1Options() {
        return CheckpointOptions.newBuilder()
                .setExit(true)
                .setOpenTcp(true)
                .setExternalUnixSockets(true)
                .setTerminal(true)
                .setFileLocks(true)
                .addEmptyNamespaces("network")
                .setCgroupsMode("soft")
                .setImagePath("/image")
                .setWorkPath("/work")
                .build();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("calls")
    void v1ShimIsAsked(String name, Call call, Message asked) {
        shim.states.put("e", Status.CREATED);
        call.on(task);
        assertThat(shim.asked).contains(asked);
    }

    @Test
    void stateOfInitHasTheBundleOfTheAdoption() {
        var state = task.state("");
        assertThat(task.trouble()).isEmpty();
        assertThat(state.id()).isEqualTo("c");
        assertThat(state.pid()).isEqualTo((int) container.init.pid());
        assertThat(state.status()).isEqualTo(ProcessStatus.RUNNING);
        assertThat(state.bundle()).isEqualTo(folder.resolve("v2/bundle"));
        assertThat(state.stdio()).isEqualTo(new Stdio("in", "out", "err", true));
        assertThat(state.exit()).isNull();
    }

    @Test
    void stateOfStoppedExecHasItsExit() {
        shim.states.put("e", Status.STOPPED);
        assertThat(task.state("e").exit()).isEqualTo(new Exit(FakeV1Shim.EXEC_PID, 3, AT));
    }

    @Test
    void pidsNameExecsAndNotInit() {
        shim.states.put("e", Status.RUNNING);
        assertThat(task.pids())
                .containsExactlyInAnyOrder(
                        new ListedPid((int) container.init.pid(), ""),
                        new ListedPid(99, ""),
                        new ListedPid(FakeV1Shim.EXEC_PID, "e"));
    }

    @Test
    void pidsOfExitedContainerStillNameInit() {
        shim.exit("c");
        assertThat(task.pids()).containsExactly(new ListedPid((int) container.init.pid(), ""));
        shim.failures.put("listPids", io.grpc.Status.UNKNOWN);
        assertThat(task.pids()).containsExactly(new ListedPid((int) container.init.pid(), ""));
    }

    @Test
    void execIdOfTheContainerIsRefusedAndNeverHitsInit() {
        assertThatThrownBy(() -> task.exec(new ExecRequest("c", Stdio.NONE, SPEC)))
                .isInstanceOfSatisfying(
                        ShimException.class, e -> assertThat(e.kind()).isEqualTo(Kind.INVALID_ARGUMENT));
        assertThatThrownBy(() -> task.kill("c", 9, true))
                .isInstanceOfSatisfying(
                        ShimException.class, e -> assertThat(e.kind()).isEqualTo(Kind.NOT_FOUND));
        assertThat(shim.asked).isEmpty();
    }

    @Test
    void unknownCheckpointOptionsNeverReachTheShim() {
        var unknown =
                Any.newBuilder().setTypeUrl("type.googleapis.com/some.Other").build();
        assertThatThrownBy(() -> task.checkpoint("/p", unknown))
                .isInstanceOfSatisfying(
                        ShimException.class, e -> assertThat(e.kind()).isEqualTo(Kind.INVALID_ARGUMENT));
        assertThat(shim.asked).isEmpty();
    }

    @Test
    void aCheckpointUponAnotherIsRefusedAndNotMadeAWholeOne() {
        var upon = Any.newBuilder()
                .setTypeUrl("containerd.runc.v1.CheckpointOptions")
                .setValue(dev.jshim.proto.v2.runc.CheckpointOptions.newBuilder()
                        .setParentPath("../before")
                        .build()
                        .toByteString())
                .build();
        assertThatThrownBy(() -> task.checkpoint("/p", upon))
                .isInstanceOfSatisfying(
                        ShimException.class, e -> assertThat(e.kind()).isEqualTo(Kind.INVALID_ARGUMENT))
                .hasMessageContaining("parent image");
        assertThat(shim.asked).isEmpty();
    }

    static Stream<Arguments> failures() {
        return Stream.of(
                Arguments.of(
                        "kill",
                        io.grpc.Status.UNKNOWN,
                        Status.STOPPED,
                        call(t -> t.kill("", 9, false)),
                        Kind.NOT_FOUND),
                Arguments.of(
                        "kill",
                        io.grpc.Status.NOT_FOUND,
                        Status.RUNNING,
                        call(t -> t.kill("", 9, false)),
                        Kind.NOT_FOUND),
                Arguments.of(
                        "kill", io.grpc.Status.UNKNOWN, Status.RUNNING, call(t -> t.kill("", 9, false)), Kind.UNKNOWN),
                Arguments.of("delete", io.grpc.Status.UNKNOWN, Status.RUNNING, call(t -> t.delete("")), Kind.UNKNOWN),
                Arguments.of("delete", io.grpc.Status.UNKNOWN, Status.STOPPED, call(t -> t.delete("")), Kind.UNKNOWN),
                Arguments.of("pause", io.grpc.Status.UNKNOWN, Status.STOPPED, call(AdoptedTask::pause), Kind.UNKNOWN),
                Arguments.of(
                        "resizePty",
                        io.grpc.Status.UNKNOWN,
                        Status.RUNNING,
                        call(t -> t.resize("", 1, 1)),
                        Kind.UNKNOWN),
                Arguments.of(
                        "resizePty",
                        io.grpc.Status.UNKNOWN,
                        Status.RUNNING,
                        call(t -> t.resize("x", 1, 1)),
                        Kind.NOT_FOUND),
                Arguments.of(
                        "update",
                        io.grpc.Status.FAILED_PRECONDITION,
                        Status.RUNNING,
                        call(t -> t.update(ByteString.EMPTY, Map.of())),
                        Kind.FAILED_PRECONDITION),
                Arguments.of("none", io.grpc.Status.OK, Status.RUNNING, call(t -> t.state("x")), Kind.NOT_FOUND),
                Arguments.of(
                        "none",
                        io.grpc.Status.OK,
                        Status.RUNNING,
                        call(t -> assertThat(t.exited("x")).isNull()),
                        Kind.NOT_FOUND));
    }

    @ParameterizedTest(name = "{0} {1} when {2}")
    @MethodSource("failures")
    void failureIsThatOfV2Shim(String call, io.grpc.Status failure, Status state, Call made, Kind seen) {
        shim.states.put("c", state);
        if (!failure.isOk()) {
            shim.failures.put(call, failure.withDescription("no"));
        }
        assertThatThrownBy(() -> made.on(task))
                .isInstanceOfSatisfying(
                        ShimException.class, e -> assertThat(e.kind()).isEqualTo(seen));
    }

    /** Its shim may be too busy to say so, and a client is to learn that it need not kill any more. */
    @Test
    void whatIsKnownToHaveExitedIsFinished() throws Exception {
        var init = task.exited("");
        V1Rig.eventually(() -> shim.isWaitedFor("c"));
        shim.exit("c");
        var _ = init.get(30, TimeUnit.SECONDS);
        for (var call : List.of("kill", "resizePty", "state")) {
            shim.failures.put(call, io.grpc.Status.UNKNOWN.withDescription("no"));
        }

        assertThatThrownBy(() -> task.kill("", 9, true))
                .hasMessage("process already finished")
                .isInstanceOfSatisfying(
                        ShimException.class, e -> assertThat(e.kind()).isEqualTo(Kind.NOT_FOUND));
        task.resize("", 1, 1);
    }

    /** The order of what hangs on two futures is the service's business; a task sees to that of the futures. */
    @Test
    void exitOfExecComesBeforeThatOfInit() throws Exception {
        List<String> order = new CopyOnWriteArrayList<>();
        shim.states.put("e", Status.CREATED);
        task.start("e", pid -> order.add("start"));
        var exec = task.exited("e");
        var init = task.exited("");
        var execWasFirst = init.thenApply(exit -> exec.isDone());
        V1Rig.eventually(() -> shim.isWaitedFor("c") && shim.isWaitedFor("e"));
        shim.exit("c");
        assertThat(init).isNotDone();
        shim.exit("e");
        assertThat(execWasFirst.get(30, TimeUnit.SECONDS)).isTrue();
        assertThat(order).containsExactly("start");
    }

    @Test
    void exitIsHeldBackUntilTheStartIsAnnounced() throws Exception {
        shim.states.put("e", Status.CREATED);
        var waited = task.exited("e");
        V1Rig.eventually(() -> shim.isWaitedFor("e"));
        List<Boolean> early = new ArrayList<>();
        task.start("e", pid -> {
            shim.exit("e");
            // Long enough for the answer to come, were it not held back.
            sleep(200);
            early.add(waited.isDone());
        });
        assertThat(early).containsExactly(false);
        assertThat(waited.get(30, TimeUnit.SECONDS)).isEqualTo(new Exit(FakeV1Shim.EXEC_PID, 3, AT));
    }

    /** Its exit is known, but not shown yet: that of init is not shown before it. */
    @Test
    void exitOfInitWaitsForOneThatIsHeldBack() throws Exception {
        shim.states.put("e", Status.RUNNING);
        try (var link = link(PATIENCE);
                var exits = new V1Exits(container.record(), link, () -> {}, orphan())) {
            var exec = exits.watch("e").shown();
            var execWasFirst = exits.watch("").shown().thenApply(exit -> exec.isDone());
            V1Rig.eventually(() -> shim.isWaitedFor("c") && shim.isWaitedFor("e"));
            exits.starting("e", exit -> {
                exit.runs(FakeV1Shim.EXEC_PID);
                shim.exit("e");
                while (exit.known() == null) {
                    sleep(1);
                }
                shim.exit("c");
                // Long enough for init's exit to come, were it not to wait.
                sleep(200);
                assertThat(execWasFirst).isNotDone();
            });
            assertThat(execWasFirst.get(30, TimeUnit.SECONDS)).isTrue();
        }
    }

    private static void sleep(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void deletedInitIsTold() {
        shim.exit("c");
        assertThat(task.delete("")).isEqualTo(new Exit((int) container.init.pid(), 3, AT));
        assertThat(deleted).hasSize(1);
    }

    @Test
    void aDeletionIsNotedBeforeItIsAskedFor() throws Exception {
        shim.failures.put("delete", io.grpc.Status.UNKNOWN.withDescription("it runs"));
        assertThatThrownBy(() -> task.delete("")).isInstanceOf(ShimException.class);
        assertThat(Cleanup.noted(paths)).as("it was refused").isEmpty();
        shim.failures.clear();
        shim.exit("c");
        var deletes = new CountDownLatch(1);
        shim.slow.put("delete", deletes);
        var deletion = CompletableFuture.supplyAsync(() -> task.delete(""));
        V1Rig.eventually(() -> Cleanup.noted(paths).size() == 1);
        assertThat(deleted).isEmpty();
        deletes.countDown();
        assertThat(deletion.get(30, TimeUnit.SECONDS).status()).isEqualTo(3);
        assertThat(deleted).hasSize(1);
        assertThat(Cleanup.noted(paths))
                .singleElement()
                .satisfies(noted ->
                        assertThat(noted.notes().exit()).isEqualTo(new Exit((int) container.init.pid(), 3, AT)));
    }

    @Test
    void aDeletionThatCameLateIsNotAskedForTwice() throws Exception {
        var exit = task.exited("");
        V1Rig.eventually(() -> shim.isWaitedFor("c"));
        shim.exit("c");
        assertThat(exit.get(30, TimeUnit.SECONDS).status()).isEqualTo(3);
        FakeContainer.end(container.init);
        shim.states.remove("c");
        shim.failures.put("delete", io.grpc.Status.FAILED_PRECONDITION.withDescription("container must be created"));
        assertThat(task.delete("").status()).isEqualTo(3);
        assertThat(deleted).hasSize(1);
        assertThat(Cleanup.noted(paths)).hasSize(1);
    }

    /** A client sends a size whenever its window has one. */
    @Test
    void aSizeForWhatHasJustEndedIsNoError() {
        shim.failures.put("resizePty", io.grpc.Status.UNKNOWN);
        shim.states.put("e", Status.STOPPED);
        task.resize("e", 80, 25);
    }

    @Test
    void execsThatTheBridgeBeforeHasSeenAreWatchedThoughTheyAreListedNoMore() throws Exception {
        notes.started("e", FakeV1Shim.EXEC_PID);
        notes.started("gone", 4243);
        shim.states.put("e", Status.STOPPED);
        assertThat(task.attach()).containsExactly("e");
        V1Rig.eventually(() -> shim.isWaitedFor("c"));
        assertThat(task.exited("e").get(30, TimeUnit.SECONDS).status()).isEqualTo(3);
        assertThat(notes.execs()).isEqualTo(Map.of("e", FakeV1Shim.EXEC_PID));
        var _ = task.delete("e");
        assertThat(AdoptedNotes.of(paths, container.record()).execs()).isEmpty();
    }

    /** A daemon of 1.x has deleted it at the v1 shim itself, and the bridge has not heard of that. */
    @Test
    void anExecWhoseIdWasUsedBeforeHasAnExitOfItsOwn() throws Exception {
        execEndsAndIsDeletedPastTheBridge();
        shim.exitStatus = 5;

        task.exec(new ExecRequest("e", Stdio.NONE, SPEC));
        assertThat(notes.execs()).isEmpty();
        var exit = task.exited("e");
        assertThat(exit).isNotDone();
        task.start("e", pid -> {});
        V1Rig.eventually(() -> shim.isWaitedFor("e"));
        assertThat(exit).isNotDone();
        assertThat(task.state("e").status()).isEqualTo(ProcessStatus.RUNNING);
        shim.exit("e");
        assertThat(exit.get(30, TimeUnit.SECONDS).status()).isEqualTo(5);
        assertThat(task.exited("e").get(30, TimeUnit.SECONDS).status()).isEqualTo(5);
    }

    /** And the client has started it at once, without a wait of its own before. */
    @Test
    void anExecWhoseIdWasUsedBeforeIsWatchedOnceItIsStarted() throws Exception {
        execEndsAndIsDeletedPastTheBridge();
        task.exec(new ExecRequest("e", Stdio.NONE, SPEC));
        task.start("e", pid -> {});
        V1Rig.eventually(() -> shim.isWaitedFor("e"));
    }

    @Test
    void anExecThatIsNotThereToBeDeletedIsForgotten() throws Exception {
        execEndsAndIsDeletedPastTheBridge();
        shim.failures.put("deleteProcess", io.grpc.Status.NOT_FOUND);
        assertThatThrownBy(() -> task.delete("e"))
                .isInstanceOfSatisfying(
                        ShimException.class, e -> assertThat(e.kind()).isEqualTo(Kind.NOT_FOUND));
        assertThat(notes.execs()).isEmpty();
        assertThatThrownBy(() -> task.state("e"))
                .isInstanceOfSatisfying(
                        ShimException.class, e -> assertThat(e.kind()).isEqualTo(Kind.NOT_FOUND));
    }

    private void execEndsAndIsDeletedPastTheBridge() throws Exception {
        shim.states.put("e", Status.RUNNING);
        assertThat(task.attach()).containsExactly("e");
        V1Rig.eventually(() -> shim.isWaitedFor("e"));
        shim.exit("e");
        assertThat(task.exited("e").get(30, TimeUnit.SECONDS).status()).isEqualTo(3);
        assertThat(notes.execs()).isEqualTo(Map.of("e", FakeV1Shim.EXEC_PID));
        shim.states.remove("e");
    }

    @Test
    void runningExecsAreFoundWhenAttached() throws Exception {
        shim.states.put("e", Status.RUNNING);
        assertThat(task.attach()).containsExactly("e");
        V1Rig.eventually(() -> shim.isWaitedFor("c") && shim.isWaitedFor("e"));
    }

    @Test
    void lostConnectionIsMadeAgainAndTheExitKeepsItsCode() throws Exception {
        var exit = task.exited("");
        V1Rig.eventually(() -> shim.isWaitedFor("c"));
        shim.close();
        shim = container.serve();
        V1Rig.eventually(() -> shim.isWaitedFor("c"));
        shim.exit("c");
        assertThat(exit.get(30, TimeUnit.SECONDS)).isEqualTo(new Exit((int) container.init.pid(), 3, AT));
    }

    @Test
    void deadShimWithLivingInitIsDegradedAndKillable() throws Exception {
        var exit = task.exited("");
        shim.close();
        FakeContainer.end(container.shim);
        assertThat(task.state("").status()).isEqualTo(ProcessStatus.RUNNING);
        assertThat(task.pids()).containsExactly(new ListedPid((int) container.init.pid(), ""));
        assertThatThrownBy(task::pause)
                .isInstanceOfSatisfying(
                        ShimException.class, e -> assertThat(e.kind()).isEqualTo(Kind.UNAVAILABLE));
        assertThat(exit).isNotDone();
        task.kill("", 9, false);
        assertThat(exit.get(30, TimeUnit.SECONDS).status()).isEqualTo(137);
        assertThat(task.state("").status()).isEqualTo(ProcessStatus.STOPPED);
        assertThat(task.delete("").status()).isEqualTo(137);
    }

    @Test
    void orphanIsEndedUnlessItIsKept() throws Exception {
        orphansAreKept = false;
        var exit = task.exited("");
        shim.close();
        FakeContainer.end(container.shim);
        assertThat(exit.get(30, TimeUnit.SECONDS).status()).isEqualTo(137);
        assertThat(container.init.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(task.delete("").status()).isEqualTo(137);
    }

    @Test
    void theExecOfAnOrphanThatIsKeptIsToldWhenItEnds() throws Exception {
        var exec = new ProcessBuilder("sleep", "300").start();
        try {
            shim.execPid = (int) exec.pid();
            shim.states.put("e", Status.RUNNING);
            task.attach();
            var exit = task.exited("e");
            V1Rig.eventually(() -> shim.isWaitedFor("e"));
            shim.close();
            FakeContainer.end(container.shim);
            assertThatThrownBy(() -> exit.get(500, TimeUnit.MILLISECONDS)).isInstanceOf(TimeoutException.class);
            FakeContainer.end(exec);
            assertThat(exit.get(30, TimeUnit.SECONDS).status()).isEqualTo(137);
        } finally {
            FakeContainer.end(exec);
        }
    }

    @Test
    void muteShimCostsLittleAndNoContainer() throws Exception {
        task.detach();
        task = task(ShimLink.GLANCE);
        assertThat(heard(() -> task.state("")).status()).isEqualTo(ProcessStatus.RUNNING);
        shim.mute = true;
        var start = System.nanoTime();
        assertThat(task.pids()).containsExactly(new ListedPid((int) container.init.pid(), ""));
        assertThat(task.trouble()).isEqualTo("its v1 shim does not answer");
        for (var i = 0; i < 10; i++) {
            assertThat(task.state("").status()).isEqualTo(ProcessStatus.RUNNING);
        }
        assertThatThrownBy(task::pause)
                .isInstanceOfSatisfying(
                        ShimException.class, e -> assertThat(e.kind()).isEqualTo(Kind.DEADLINE_EXCEEDED));
        // 1.5 s once, 0.2 s for each State and 2 s for the change; containerd gives 5 s to the first, and 2 s to a
        // State.
        assertThat(TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start)).isLessThan(30);
        shim.mute = false;
        assertThat(heard(() -> task.state("")).status()).isEqualTo(ProcessStatus.RUNNING);
    }

    /** As it is while it waits for the client of another exec, which has gone. */
    @Test
    void whatWaitsForTheShimsLockIsDoneLater() throws Exception {
        shim.states.put("e", Status.RUNNING);
        var open = new CountDownLatch(1);
        List.of("exec", "resizePty", "closeIO").forEach(call -> shim.slow.put(call, open));
        try (var callers = Executors.newVirtualThreadPerTaskExecutor()) {
            var calls = List.of(
                    callers.submit(() -> task.exec(new ExecRequest("f", Stdio.NONE, SPEC))),
                    callers.submit(() -> task.resize("e", 80, 24)),
                    callers.submit(() -> task.closeStdin("e")));
            Thread.sleep(5_500);
            assertThat(calls).noneMatch(Future::isDone);
            open.countDown();
            for (var call : calls) {
                call.get(30, TimeUnit.SECONDS);
            }
        }
    }

    /** An answer of the shim itself, also where it was once too late. */
    private <T> T heard(Supplier<T> ask) throws Exception {
        List<T> answers = new ArrayList<>();
        V1Rig.eventually(() -> {
            answers.add(ask.get());
            return task.trouble().isEmpty();
        });
        return answers.getLast();
    }

    @Test
    void unknownSpecOfAnExecNeverReachesTheShim() {
        var before = shim.asked.size();
        var spec = SPEC.toBuilder().setTypeUrl("some.Other").build();
        assertThatThrownBy(() -> task.exec(new ExecRequest("e", Stdio.NONE, spec)))
                .isInstanceOfSatisfying(
                        ShimException.class, e -> assertThat(e.kind()).isEqualTo(Kind.INVALID_ARGUMENT));
        assertThat(shim.asked).hasSize(before);
    }
}
