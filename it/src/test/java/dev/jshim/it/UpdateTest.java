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

    UpdateTest(Setup setup) {
        super(setup);
    }

    @Test
    void theKernelHasTheNewLimits() throws Exception {
        sleeper("one");
        try (ShimClient shim = ShimClient.of(node, "one")) {
            update(shim, "{\"memory\":{\"limit\":33554432},\"cpu\":{\"shares\":512}}");

            assertThat(limit("memory", "memory.limit_in_bytes")).isEqualTo("33554432");
            assertThat(limit("cpu", "cpu.shares")).isEqualTo("512");
            update(shim, "{\"memory\":{\"limit\":67108864}}");
            assertThat(limit("memory", "memory.limit_in_bytes")).isEqualTo("67108864");
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
            assertThatThrownBy(() -> update(shim, "{\"memory\":{\"limit\":1}}"))
                    .hasMessageContaining("OCI runtime update failed: unable to set memory limit to 1");
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
            assertThat(limit("memory", "memory.limit_in_bytes")).isEqualTo("33554432");
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

    private String limit(String controller, String file) throws Exception {
        return Files.readString(Path.of("/sys/fs/cgroup", controller, node.namespace(), "one", file))
                .strip();
    }
}
