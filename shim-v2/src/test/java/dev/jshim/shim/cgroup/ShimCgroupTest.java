package dev.jshim.shim.cgroup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ShimCgroupTest {
    @TempDir
    Path root;

    @BeforeEach
    void mounts() throws IOException {
        Files.createDirectories(root.resolve("proc/self"));
        Files.writeString(root.resolve("proc/self/mountinfo"), """
                30 25 0:26 / /sys/fs/cgroup ro - tmpfs tmpfs ro
                31 30 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
                32 30 0:28 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
                33 30 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
                """);
        for (var hierarchy : new String[] {"memory", "unified"}) {
            var folder = Files.createDirectories(root.resolve("sys/fs/cgroup/" + hierarchy + "/shims"));
            Files.createFile(folder.resolve("cgroup.procs"));
        }
    }

    @Test
    void entersInEachHierarchyThatHasIt() throws IOException {
        ShimCgroup.enter(new Host(root), "/shims", 42);

        assertThat(root.resolve("sys/fs/cgroup/memory/shims/cgroup.procs")).hasContent("42");
        assertThat(root.resolve("sys/fs/cgroup/unified/shims/cgroup.procs")).hasContent("42");
        assertThat(root.resolve("sys/fs/cgroup/pids/shims")).doesNotExist();
    }

    @Test
    void mustExist() {
        assertThatThrownBy(() -> ShimCgroup.enter(new Host(root), "/none", 42))
                .hasMessage("ShimCgroup /none does not exist: make it first, or leave the option out");
    }
}
