package dev.jshim.bridge.serve;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import dev.jshim.bridge.V1Rig;
import dev.jshim.bridge.migrate.Migration;
import dev.jshim.linux.ProcessId;
import dev.jshim.node.daemon.DaemonConfig;
import dev.jshim.proto.v1.types.Status;
import dev.jshim.proto.v2.runc.ProcessDetails;
import dev.jshim.proto.v2.task2.CheckpointTaskRequest;
import dev.jshim.proto.v2.task2.ConnectRequest;
import dev.jshim.proto.v2.task2.DeleteRequest;
import dev.jshim.proto.v2.task2.ExecProcessRequest;
import dev.jshim.proto.v2.task2.KillRequest;
import dev.jshim.proto.v2.task2.PauseRequest;
import dev.jshim.proto.v2.task2.PidsRequest;
import dev.jshim.proto.v2.task2.ResumeRequest;
import dev.jshim.proto.v2.task2.ShutdownRequest;
import dev.jshim.proto.v2.task2.StartRequest;
import dev.jshim.proto.v2.task2.StateRequest;
import dev.jshim.proto.v2.task2.StatsRequest;
import dev.jshim.proto.v2.task2.TaskGrpc;
import dev.jshim.proto.v2.task2.WaitRequest;
import dev.jshim.ttrpc.TtrpcChannel;
import io.grpc.StatusRuntimeException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A container that a real containerd 1.6 and its v1 shim made, adopted and lived to its end through the bridge. */
class RealV1ShimTest {
    private static final Duration TIMEOUT = Duration.ofSeconds(20);

    private V1Rig rig;

    @BeforeEach
    void startDaemon() throws Exception {
        rig = new V1Rig();
    }

    @AfterEach
    void tearDown() throws Exception {
        rig.close();
    }

    @Test
    void adoptedTaskLivesToItsEnd() throws Exception {
        rig.run("one", "trap 'exit 7' TERM; while :; do sleep 0.1; done");
        var v1 = rig.paths.v1State().resolve(rig.namespace).resolve("one");
        var pid = Integer.parseInt(Files.readString(v1.resolve("init.pid")));
        var shimPid = Integer.parseInt(Files.readString(v1.resolve("shim.pid")));
        var v1Socket = Path.of(Files.readString(v1.resolve("address")).substring("unix://".length()));
        rig.stopDaemon();

        try (var daemon = rig.bridge()) {
            var migration = migration();
            assertThat(migration.plan(null).rows()).singleElement().satisfies(row -> {
                assertThat(row.action()).isEqualTo("adopt");
                assertThat(row.pid()).isEqualTo(pid);
                assertThat(row.shimPid()).isEqualTo(shimPid);
                assertThat(row.socketKind()).isEqualTo("file");
                assertThat(row.reachable()).isTrue();
            });
            assertThat(migration.apply(null, false).rows())
                    .singleElement()
                    .satisfies(row -> assertThat(row.result()).isEqualTo("adopted"));
            assertThat(migration.apply(null, false).rows())
                    .singleElement()
                    .satisfies(row -> assertThat(row.result()).isEqualTo("unchanged"));
            var bundle = rig.paths.v2State().resolve(rig.namespace).resolve("one");
            assertThat(migration.status().rows()).singleElement().satisfies(row -> {
                assertThat(row.answers()).isTrue();
                assertThat(row.state()).isEqualTo("RUNNING");
                assertThat(row.shimAlive()).isTrue();
            });

            var socket = Path.of(Files.readString(bundle.resolve("address")).substring("unix://".length()));
            try (var channel = TtrpcChannel.connect(socket, TIMEOUT)) {
                live(TaskGrpc.newBlockingStub(channel).withDeadlineAfter(60, SECONDS), pid);
            }
            assertThat(bundle.resolve("exit.pb")).exists();
            V1Rig.eventually(() -> !Files.exists(Path.of("/proc/" + shimPid)) || isZombie(shimPid));
            V1Rig.eventually(() -> !Files.exists(v1) && !Files.exists(v1Socket) && !Files.exists(socket));
            V1Rig.eventually(() -> daemon.bridge().list().isEmpty());
            assertThat(rig.paths.v1Work().resolve(rig.namespace).resolve("one")).doesNotExist();
            assertThat(Path.of("/run/containerd/runc", rig.namespace, "one")).doesNotExist();
        }
        assertThat(migration().rollback(false).complete()).isTrue();
        assertThat(rig.paths.state().resolve("jshim")).doesNotExist();
        assertThat(rig.paths.root().resolve("jshim")).doesNotExist();
    }

    @Test
    void containerThatTheOldDaemonDeletesIsDropped() throws Exception {
        rig.run("one", "sleep 300");
        var v1 = rig.paths.v1State().resolve(rig.namespace).resolve("one");
        var bundle = rig.paths.v2State().resolve(rig.namespace).resolve("one");
        try (var daemon = rig.bridge()) {
            assertThat(migration().apply(null, false).complete()).isTrue();
            rig.ctr("task", "kill", "-s", "KILL", "one");
            Thread.sleep(500);
            V1Rig.eventually(() -> rig.ctrCode("task", "rm", "one") == 0 || !Files.exists(v1));
            V1Rig.eventually(() -> !Files.exists(v1));
            V1Rig.eventually(
                    () -> !Files.exists(bundle) && daemon.bridge().list().isEmpty());
        }
    }

    private Migration migration() {
        var none = Path.of("/bin/false");
        return new Migration(rig.paths, rig.address, DaemonConfig.DEFAULTS, TIMEOUT, none, line -> {});
    }

    private static boolean isZombie(int pid) {
        return ProcessId.find(pid) == null;
    }

    private void live(TaskGrpc.TaskBlockingStub task, int pid) throws Exception {
        assertThat(task.connect(ConnectRequest.newBuilder().setId("one").build())
                        .getTaskPid())
                .isEqualTo(pid);
        var state = task.state(StateRequest.newBuilder().setId("one").build());
        assertThat(state.getPid()).isEqualTo(pid);
        assertThat(state.getStatus()).isEqualTo(Status.RUNNING);

        var _ = task.exec(ExecProcessRequest.newBuilder()
                .setId("one")
                .setExecId("probe")
                .setSpec(Any.newBuilder()
                        .setTypeUrl("types.containerd.io/opencontainers/runtime-spec/1/Process")
                        .setValue(ByteString.copyFromUtf8("""
                                {"cwd":"/","args":["/bin/sh","-c","while [ ! -e /go ]; do sleep 0.1; done; exit 5"],"env":["PATH=/bin"],
                                "user":{"uid":0,"gid":0}}""")))
                .build());
        var execPid = task.start(StartRequest.newBuilder()
                        .setId("one")
                        .setExecId("probe")
                        .build())
                .getPid();
        var pids = task.pids(PidsRequest.newBuilder().setId("one").build()).getProcessesList();
        assertThat(pids).anySatisfy(process -> assertThat(process.getPid()).isEqualTo(pid));
        assertThat(pids).anySatisfy(process -> {
            assertThat(process.getPid()).isEqualTo(execPid);
            assertThat(process.getInfo().getTypeUrl()).isEqualTo("containerd.runc.v1.ProcessDetails");
            assertThat(ProcessDetails.parseFrom(process.getInfo().getValue()).getExecId())
                    .isEqualTo("probe");
        });
        Files.createFile(rig.rootfs.resolve("go"));
        assertThat(task.wait(WaitRequest.newBuilder()
                                .setId("one")
                                .setExecId("probe")
                                .build())
                        .getExitStatus())
                .isEqualTo(5);
        assertThat(task.delete(DeleteRequest.newBuilder()
                                .setId("one")
                                .setExecId("probe")
                                .build())
                        .getExitStatus())
                .isEqualTo(5);

        assertThat(task.stats(StatsRequest.newBuilder().setId("one").build())
                        .getStats()
                        .getTypeUrl())
                .startsWith("io.containerd.cgroups.v");
        var _ = task.pause(PauseRequest.newBuilder().setId("one").build());
        assertThat(task.state(StateRequest.newBuilder().setId("one").build()).getStatus())
                .isEqualTo(Status.PAUSED);
        var _ = task.resume(ResumeRequest.newBuilder().setId("one").build());
        // Were this handed on, the v1 shim would panic and the container be lost.
        assertThatThrownBy(() -> task.checkpoint(CheckpointTaskRequest.newBuilder()
                        .setId("one")
                        .setPath("/nowhere")
                        .setOptions(Any.newBuilder().setTypeUrl("some.Other"))
                        .build()))
                .isInstanceOfSatisfying(
                        StatusRuntimeException.class,
                        e -> assertThat(e.getStatus().getCode()).isEqualTo(io.grpc.Status.Code.INVALID_ARGUMENT));
        assertThatThrownBy(() ->
                        task.delete(DeleteRequest.newBuilder().setId("one").build()))
                .isInstanceOfSatisfying(
                        StatusRuntimeException.class,
                        e -> assertThat(e.getStatus().getCode()).isEqualTo(io.grpc.Status.Code.UNKNOWN));

        var _ = task.kill(KillRequest.newBuilder().setId("one").setSignal(15).build());
        assertThat(task.wait(WaitRequest.newBuilder().setId("one").build()).getExitStatus())
                .isEqualTo(7);
        assertThatThrownBy(() -> task.kill(
                        KillRequest.newBuilder().setId("one").setSignal(9).build()))
                .isInstanceOfSatisfying(
                        StatusRuntimeException.class,
                        e -> assertThat(e.getStatus().getCode()).isEqualTo(io.grpc.Status.Code.NOT_FOUND));
        var gone = task.pids(PidsRequest.newBuilder().setId("one").build());
        assertThat(gone.getProcessesList())
                .singleElement()
                .satisfies(process -> assertThat(process.getPid()).isEqualTo(pid));
        var deleted = task.delete(DeleteRequest.newBuilder().setId("one").build());
        assertThat(deleted.getExitStatus()).isEqualTo(7);
        assertThat(deleted.getPid()).isEqualTo(pid);
        var _ = task.shutdown(ShutdownRequest.newBuilder().setId("one").build());
    }
}
