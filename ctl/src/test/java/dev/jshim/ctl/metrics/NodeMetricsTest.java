package dev.jshim.ctl.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.ProcessId;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.shim.KeeperState;
import dev.jshim.node.shim.KeptShim;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What no machine shows at will: keepers whose JVMs have died, and are being started. */
class NodeMetricsTest {
    private static final int KIB = 1024;

    @TempDir
    private Path proc;

    private NodeMetrics metrics = new NodeMetrics("0", new ProcFs(Path.of("/nowhere")));

    @BeforeEach
    void setUp() throws IOException {
        Files.writeString(proc.resolve("stat"), "btime 1000\n");
        metrics = new NodeMetrics("1.2.3", new ProcFs(proc));
    }

    private void process(int pid, int parent, long ticks, int pss, String command) throws IOException {
        var folder = Files.createDirectories(proc.resolve(Integer.toString(pid)));
        var argv = command.split(" ", -1);
        Files.writeString(
                folder.resolve("stat"),
                pid + " (" + argv[0] + ") S " + parent + " 1 1 0 -1 0 0 0 0 0 100 50 0 0 20 0 1 0 " + ticks + " 0\n");
        Files.writeString(folder.resolve("cmdline"), String.join("\0", argv) + "\0");
        Files.writeString(folder.resolve("status"), "Name:\tx\nVmRSS:\t10 kB\nThreads:\t1\n");
        Files.writeString(folder.resolve("smaps_rollup"), "Pss:\t" + pss + " kB\n");
    }

    private static KeptShim shim(int keeper, int jvm, String state, int restarts, long at) {
        return new KeptShim(
                kept(keeper, jvm, state, restarts, at), "default", "/run/c.sock", Path.of("/run/jshim/s/1"), true);
    }

    private static KeeperState kept(int keeper, int jvm, String state, int restarts, long at) {
        return new KeeperState(
                new ProcessId(keeper, 1),
                new ProcessId(jvm, 1),
                state,
                restarts,
                "signal 9",
                Instant.ofEpochSecond(at),
                false);
    }

    @Test
    void shimsWithTheirKeepers() throws IOException {
        process(11, 1, 100, 300, "jshim-keeper -- java -Djshim.name=containerd-shim-v2-oci");
        process(12, 11, 500, 40_000, "java -Djshim.name=containerd-shim-v2-oci dev.jshim.shim.Main");
        process(21, 1, 200, 300, "jshim-keeper -- java -Djshim.name=containerd-shim-v2-oci");
        process(22, 21, 90_000, 30_000, "java -Djshim.name=containerd-shim-v2-oci dev.jshim.shim.Main");
        process(31, 1, 200, 300, "jshim-keeper -- java -Djshim.name=containerd-shim-v2-oci");

        metrics.shims(List.of(
                shim(11, 12, "serving", 0, 0), shim(21, 22, "serving", 2, 1900), shim(31, 0, "waiting", 40, 1950)));

        assertThat(metrics.text())
                .contains(
                        "jshim_build_info{version=\"1.2.3\"} 1.0",
                        "jshim_shims{program=\"containerd-shim-v2-oci\"} 3.0",
                        pss("containerd-shim-v2-oci", 300 + 40_000 + 300 + 30_000 + 300),
                        "jshim_jvms{program=\"shim\",state=\"serving\"} 2.0",
                        "jshim_jvms{program=\"shim\",state=\"starting\"} 0.0",
                        "jshim_jvms{program=\"shim\",state=\"waiting\"} 1.0",
                        "jshim_jvm_restarts{program=\"shim\"} 42.0",
                        "jshim_jvm_last_death_timestamp_seconds{program=\"shim\"} 1950.0",
                        "jshim_jvm_start_timestamp_seconds{jvm=\"oldest\",program=\"shim\"} 1005.0",
                        "jshim_jvm_start_timestamp_seconds{jvm=\"newest\",program=\"shim\"} 1900.0")
                .doesNotContain("last_death_timestamp_seconds{program=\"bridge\"}");
    }

    @Test
    void aBridgeWhoseKeeperStartsItAgain() throws IOException {
        process(11, 1, 100, 300, "jshim-keeper -- java -Djshim.name=containerd-shim-v1-linux");

        metrics.bridge(0, kept(11, 0, "starting", 1, 1234), 0);

        assertThat(metrics.text())
                .contains(
                        "jshim_bridge_up 0.0",
                        "jshim_bridge_keeper_up 1.0",
                        "jshim_jvms{program=\"bridge\",state=\"starting\"} 1.0",
                        "jshim_jvm_restarts{program=\"bridge\"} 1.0",
                        "jshim_jvm_last_death_timestamp_seconds{program=\"bridge\"} 1234.0",
                        pss("containerd-shim-v1-linux", 300))
                .doesNotContain("jshim_jvm_start_timestamp_seconds{");
    }

    @Test
    void aBridgeWithoutAKeeper() throws IOException {
        process(12, 1, 500, 40_000, "java -Djshim.name=containerd-shim-v1-linux dev.jshim.bridge.Main");

        metrics.bridge(12, null, 3);

        assertThat(metrics.text())
                .contains(
                        "jshim_bridge_up 1.0",
                        "jshim_bridge_keeper_up 0.0",
                        "jshim_bridge_unseen_containers 3.0",
                        pss("containerd-shim-v1-linux", 40_000),
                        "jshim_jvm_start_timestamp_seconds{jvm=\"newest\",program=\"bridge\"} 1005.0");
    }

    @Test
    void nothingIsZeroAndNotMissing() {
        metrics.tasks(List.of());
        metrics.bridge(0, null, 0);
        metrics.exits(List.of(), 0);
        metrics.leftovers(List.of());
        metrics.problems(0);
        metrics.findings(0, 0);
        assertThat(metrics.text().lines().filter(line -> !line.startsWith("#") && !line.contains("build_info")))
                .hasSizeGreaterThan(50)
                .allMatch(line -> line.endsWith(" 0.0"));
    }

    /** The library writes a number as Java does. */
    private static String pss(String program, int kib) {
        return "jshim_shim_pss_bytes{program=\"" + program + "\"} " + (double) kib * KIB + "\n";
    }
}
