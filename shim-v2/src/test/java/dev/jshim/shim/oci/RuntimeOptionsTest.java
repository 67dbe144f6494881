package dev.jshim.shim.oci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import dev.jshim.proto.v1.runc.CreateOptions;
import dev.jshim.proto.v1.runc.RuncOptions;
import dev.jshim.proto.v2.runc.Options;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimException.Kind;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RuntimeOptionsTest {
    private static Any any(String type, Message options) {
        return Any.newBuilder()
                .setTypeUrl(type)
                .setValue(options.toByteString())
                .build();
    }

    @Test
    void areRuncsOwnWhereNoneAreGiven() {
        assertThat(RuntimeOptions.of(Any.getDefaultInstance())).isEqualTo(RuntimeOptions.DEFAULT);
        assertThat(RuntimeOptions.DEFAULT.binary()).isEqualTo("runc");
        assertThat(RuntimeOptions.DEFAULT.root()).isEqualTo(Path.of("/run/containerd/runc"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"containerd.runc.v1.Options", "types.googleapis.com/containerd.runc.v1.Options"})
    void readsThoseOfRuncsV2Shim(String type) {
        var options = RuntimeOptions.of(any(
                type,
                Options.newBuilder()
                        .setBinaryName("/opt/crun")
                        .setRoot("/r")
                        .setSystemdCgroup(true)
                        .setNoPivotRoot(true)
                        .setNoNewKeyring(true)
                        .setShimCgroup("/shims")
                        .setIoUid(7)
                        .setIoGid(8)
                        .build()));
        assertThat(options)
                .isEqualTo(new RuntimeOptions(
                        "/opt/crun",
                        Path.of("/r"),
                        true,
                        true,
                        true,
                        "/shims",
                        7,
                        8,
                        "",
                        "",
                        Duration.ofMinutes(10),
                        false));
    }

    @Test
    void readsThoseOfTheV1Runtime() {
        var create = RuntimeOptions.of(any(
                "containerd.linux.runc.CreateOptions",
                CreateOptions.newBuilder().setNoPivotRoot(true).setIoUid(7).build()));
        assertThat(create.noPivotRoot()).isTrue();
        assertThat(create.ioUid()).isEqualTo(7);
        assertThat(create.binary()).isEqualTo("runc");
        var runc = RuntimeOptions.of(any(
                "containerd.linux.runc.RuncOptions",
                RuncOptions.newBuilder()
                        .setRuntime("nvidia-container-runtime")
                        .setRuntimeRoot("/nv")
                        .setSystemdCgroup(true)
                        .build()));
        assertThat(runc.binary()).isEqualTo("nvidia-container-runtime");
        assertThat(runc.root()).isEqualTo(Path.of("/nv"));
        assertThat(runc.systemdCgroup()).isTrue();
    }

    @Test
    void refusesABrokenMessageAndAnUnknownType() {
        var broken = Any.newBuilder()
                .setTypeUrl("containerd.runc.v1.Options")
                .setValue(ByteString.copyFromUtf8("\u000f\u000f"))
                .build();
        assertThatThrownBy(() -> RuntimeOptions.of(broken))
                .isInstanceOfSatisfying(
                        ShimException.class, e -> assertThat(e.kind()).isEqualTo(Kind.INVALID_ARGUMENT))
                .hasMessageContaining("containerd.runc.v1.Options cannot be read");
        assertThatThrownBy(() -> RuntimeOptions.of(
                        Any.newBuilder().setTypeUrl("some.Options").build()))
                .isInstanceOfSatisfying(
                        ShimException.class, e -> assertThat(e.kind()).isEqualTo(Kind.UNIMPLEMENTED))
                .hasMessageContaining("some.Options");
    }
}
