package dev.jshim.it.vm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.it.Run;
import dev.jshim.it.Wait;
import java.time.Duration;
import java.util.List;

/**
 * What the whole machine has: processes of shims and containers, control groups, mounts, sockets and folders of shims,
 * the OCI runtime's state. Without what one service always has and what containerd's own shim leaves as well.
 *
 * @param lines sorted
 */
record NodeFacts(List<String> lines) {
    private static final String LOOK = """
            ps -eo args= | grep -E '^sleep|/sleep|^runc|jshim-keeper|dev[.]jshim[.](shim|bridge)[.]|containerd-shim' | grep -v grep
            find /sys/fs/cgroup -type d | grep -vE '/(checks|docker|containerd|systemd-[a-z]*|dbus|user-[0-9]*)[.](service|slice|scope)'
            awk '{ print $5 }' /proc/self/mountinfo
            find /run/containerd/runc /run/containerd/s /run/jshim/s -mindepth 1 2>/dev/null | grep -v '^/run/containerd/runc/[^/]*$'
            :""";

    NodeFacts {
        lines = List.copyOf(lines);
    }

    static NodeFacts now() {
        return new NodeFacts(Run.of(List.of("sh", "-c", LOOK))
                .run()
                .ok()
                .out()
                .lines()
                .sorted()
                .toList());
    }

    /** Waits at most a minute until the machine has what it had then. */
    void areBack() {
        if (!Wait.within(Duration.ofMinutes(1), () -> now().equals(this))) {
            assertThat(now().lines()).containsExactlyElementsOf(lines);
        }
    }
}
