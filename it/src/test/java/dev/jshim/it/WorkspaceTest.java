package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** The bundle is a shim's only workspace: strace(1) sees each file that it, or what it runs, opens for writing. */
@ParameterizedClass(name = "{0}")
@MethodSource("dev.jshim.it.Setup#oursOn16")
class WorkspaceTest extends ShimScenario {

    WorkspaceTest(Setup setup) {
        super(setup);
    }

    /** The whole life of a shim, too. */
    @Override
    void prepare() {
        node.configure("Grouping = \"container\"\n");
    }

    @Test
    void aContainersWholeLifeWritesNothingOutsideOfTheBundle() throws Exception {
        // What the launcher knows of the installed tree is noted at its first use.
        node.run(runtime, "warm", "/bin/true").ok();
        Path rootfs = node.rootfs();
        WriteTrace trace = WriteTrace.of(node, "containerd-shim-v2-oci");

        node.ctr(node.runArgs(runtime, List.of("-d"), rootfs, "one", "/bin/sleep", "1000")
                        .toArray(String[]::new))
                .ok();
        node.exec("one", "work", "/bin/sh", "-c", "echo x > /dev/null; seq 1000")
                .ok();
        node.ctr("task", "pause", "one").ok();
        node.ctr("task", "resume", "one").ok();
        node.ctr("task", "metrics", "one").ok();
        node.ctr("task", "checkpoint", "one"); // As far as this machine's CRIU gets.
        node.remove("one");
        Wait.until("the bundle is gone", () -> !node.bundle("one").toFile().exists());

        List<String> written = trace.end();
        assertThat(written).as("seen at all").anyMatch(path -> path.startsWith(node.bundle("one") + "/"));
        assertThat(written)
                .filteredOn(path -> allowed(rootfs).stream().noneMatch(path::startsWith))
                .isEmpty();
    }

    private List<String> allowed(Path rootfs) {
        return List.of(
                node.bundle("one") + "/",
                node.root().resolve("io.containerd.runtime.v2.task") + "/", // `work` in the bundle leads there
                rootfs + "/", // mount points that runc makes
                node.dir().resolve("fifo") + "/",
                "/tmp/ctd-checkpoint", // where the client has asked for the checkpoint to be written
                "/run/jshim/s/",
                "/run/containerd/runc/" + node.namespace(), // the OCI runtime's own state
                "/sys/fs/cgroup/",
                "/proc/",
                "/dev/");
    }
}
