package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import dev.jshim.proto.v2.task2.UpdateTaskRequest;
import io.grpc.StatusRuntimeException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** New limits for a running container; ctr cannot ask for them, so the shim is asked itself. */
@ParameterizedClass(name = "{0}")
@MethodSource("dev.jshim.it.Setup#oursOn16")
class UpdateTest extends ShimScenario {
    private static final Path CGROUPS = Path.of("/sys/fs/cgroup");
    private static final boolean UNIFIED = Files.exists(CGROUPS.resolve("cgroup.controllers"));

    UpdateTest(Setup setup) {
        super(setup);
    }

    @Test
    void theKernelHasTheNewLimits() throws Exception {
        sleeper("one");
        try (ShimClient shim = ShimClient.of(node, "one")) {
            update(shim, """
                    {"memory": {"limit": 33554432}, "pids": {"limit": 50}, "cpu": {"shares": 512, "quota": 20000, "period": 100000}}
                    """);

            assertThat(memory()).isEqualTo("33554432");
            assertThat(limit("pids", "pids.max")).isEqualTo("50");
            if (UNIFIED) {
                assertThat(limit("cpu", "cpu.weight")).isEqualTo("20");
                assertThat(limit("cpu", "cpu.max")).isEqualTo("20000 100000");
            } else {
                assertThat(limit("cpu", "cpu.shares")).isEqualTo("512");
                assertThat(limit("cpu", "cpu.cfs_quota_us")).isEqualTo("20000");
            }
            update(shim, "{\"memory\":{\"limit\":67108864}}");
            assertThat(memory()).isEqualTo("67108864");
        }
        assertThat(node.bundle("one").toFile().list()).noneMatch(name -> name.startsWith("resources"));
        node.remove("one");
    }

    @Test
    void whatTheRuntimeSaysIsHandedOn() {
        sleeper("one");
        try (ShimClient shim = ShimClient.of(node, "one")) {
            assertThatThrownBy(() -> update(shim, "{\"memory\":{\"limit\":\"much\"}}"))
                    .isInstanceOf(StatusRuntimeException.class)
                    .hasMessageContaining("OCI runtime update failed: json: cannot unmarshal string");
            if (!UNIFIED) { // There the kernel takes it, and kills what has more.
                assertThatThrownBy(() -> update(shim, "{\"memory\":{\"limit\":1}}"))
                        .hasMessageContaining("OCI runtime update failed: unable to set memory limit to 1");
            }
        }
        assertThat(Tasks.of(node).isRunning("one")).isTrue();
        node.remove("one");
    }

    @Test
    void pausedMayBeUpdatedAndStoppedMayNot() throws Exception {
        sleeper("one");
        try (ShimClient shim = ShimClient.of(node, "one")) {
            node.ctr("task", "pause", "one").ok();
            update(shim, "{\"memory\":{\"limit\":33554432}}");
            assertThat(memory()).isEqualTo("33554432");
            assertThat(Tasks.of(node).get("one").status()).isEqualTo("PAUSED");
            node.ctr("task", "resume", "one").ok();

            node.ctr("task", "kill", "-s", "KILL", "one").ok();
            Wait.until("one stopped", () -> Tasks.of(node).isStopped("one"));
            assertThatThrownBy(() -> update(shim, "{\"memory\":{\"limit\":67108864}}"))
                    .hasMessage("UNKNOWN: cannot update a stopped container");
        }
        node.remove("one");
    }

    private static void update(ShimClient shim, String resources) {
        var _ = shim.task()
                .update(UpdateTaskRequest.newBuilder()
                        .setId("one")
                        .setResources(Any.newBuilder()
                                .setTypeUrl("types.containerd.io/opencontainers/runtime-spec/1/LinuxResources")
                                .setValue(ByteString.copyFromUtf8(resources)))
                        .build());
    }

    private String memory() throws Exception {
        return limit("memory", UNIFIED ? "memory.max" : "memory.limit_in_bytes");
    }

    private String limit(String controller, String file) throws Exception {
        Path hierarchy = UNIFIED ? CGROUPS : CGROUPS.resolve(controller);
        return Files.readString(
                        hierarchy.resolve(node.namespace()).resolve("one").resolve(file))
                .strip();
    }
}
