package dev.jshim.node.shim;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ShimFlagsTest {
    @Test
    void asContainerd16StartsIt() {
        var argv = List.of(
                "/usr/bin/containerd-shim",
                "-namespace",
                "default",
                "-workdir",
                "/var/lib/containerd/io.containerd.runtime.v1.linux/default/x",
                "-address",
                "/run/containerd/containerd.sock",
                "-containerd-binary",
                "/usr/bin/containerd",
                "-systemd-cgroup",
                "-runtime-root",
                "/run/my-runc",
                "-criu",
                "/opt/criu",
                "-debug");
        assertThat(ShimFlags.parse(argv))
                .isEqualTo(new ShimFlags(
                        "default",
                        "/var/lib/containerd/io.containerd.runtime.v1.linux/default/x",
                        "/run/containerd/containerd.sock",
                        "/usr/bin/containerd",
                        "/run/my-runc",
                        "/opt/criu",
                        true,
                        true,
                        ""));
    }

    @Test
    void defaultsAndEqualsForms() {
        var argv = List.of("containerd-shim", "--namespace=moby", "-debug=false", "-socket=/x", "-systemd-cgroup=1");
        assertThat(ShimFlags.parse(argv))
                .isEqualTo(new ShimFlags(
                        "moby", "", "", "containerd", ShimFlags.DEFAULT_RUNTIME_ROOT, "", true, false, "/x"));
    }

    @Test
    void flagWithoutItsValueAndUnknownFlags() {
        assertThat(ShimFlags.parse(List.of("containerd-shim", "-new", "v", "-namespace")))
                .isEqualTo(
                        new ShimFlags("", "", "", "containerd", ShimFlags.DEFAULT_RUNTIME_ROOT, "", false, false, ""));
    }

    @ParameterizedTest
    @ValueSource(strings = {"containerd-shim-runc-v2", "/usr/bin/containerd", "containerd-shim-runc-v1", "sh", ""})
    void otherPrograms(String program) {
        assertThat(ShimFlags.parse(List.of(program, "-namespace", "x"))).isNull();
        assertThat(ShimFlags.parse(List.of())).isNull();
    }
}
