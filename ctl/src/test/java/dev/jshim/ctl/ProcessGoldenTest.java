package dev.jshim.ctl;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Message;
import dev.jshim.ctl.cli.Machine;
import dev.jshim.proto.v1.types.Status;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What commands print that look at processes and at the machine, as a table and as JSON, against files: on a machine
 * that has been thought up, so that pids, sizes and times are the same everywhere.
 */
@Timeout(60)
class ProcessGoldenTest {
    private static final int WEB_SHIM = 4_700_001;
    private static final int WEB = 4_700_011;
    private static final int DAEMON = 4_700_050;
    private static final int API_SHIM = 4_700_101;
    private static final int API = 4_700_111;
    private static final int BATCH_SHIM = 4_700_201;
    private static final int BATCH = 4_700_211;
    private static final int WRITES = 1;

    /** Who shows a mute shim; the others need not wait for one. */
    private static final Set<String> MUTE = Set.of("shims-ls", "inspect-mute", "check");

    @TempDir
    private Path directory;

    private FakeNode node = new FakeNode(Path.of("/"));
    private Machine machine = Machine.ours();

    @BeforeEach
    void setUp() throws IOException {
        node = new FakeNode(directory, WEB);
        var proc = new FakeProc(directory.resolve("proc"));
        machine = new Machine(
                proc.read(),
                new FakeHost("4.15.0-213", "v1, hybrid", "control-group", "crun version 1.8.1", 500L << 20),
                List.of(directory.resolve("sockets")));
        staleSocket();
        web(proc);
        v2(proc, "api", API_SHIM, API, cgroup2());
        v2(proc, "batch", BATCH_SHIM, BATCH, cgroup1());
        proc.listens(node.state + "/s0", 2);
        proc.listens(node.state + "/s1", 0);
        proc.listens("@/containerd-shim/moby/old/shim.sock@", 0);
        proc.process(DAEMON, 1, 90_000, "/", directory + "/bin/containerd");
        Files.writeString(directory.resolve("config.toml"), """
                version = 2
                [plugins.'io.containerd.grpc.v1.cri']
                  systemd_cgroup = true
                """);
        setModes();
    }

    /** A v1 container whose init has another start time than the runtime wrote down. */
    private void web(FakeProc proc) throws IOException {
        var bundle = node.task("default", "web", Status.RUNNING);
        Files.writeString(bundle.resolve("config.json"), """
                {"ociVersion": "1.0.2", "hostname": "web-1",
                 "process": {"args": ["nginx", "-g", "daemon off;"], "cwd": "/srv", "env": ["PATH=/bin"]},
                 "linux": {"cgroupsPath": "/default/web", "namespaces": [{"type": "pid"}, {"type": "mount"}]}}
                """);
        Files.createDirectory(bundle.resolve("rootfs"));
        proc.process(
                WEB_SHIM,
                1,
                100_000,
                "/",
                directory + "/bin/containerd-shim",
                "-namespace",
                "default",
                "-workdir",
                node.root + "/io.containerd.runtime.v1.linux/default/web",
                "-runtime-root",
                directory + "/runc");
        proc.process(WEB, WEB_SHIM, 100_100, "/default/web", "nginx", "-g", "daemon off;");
        proc.process(WEB + 1, WEB, 100_200, "/default/web", "nginx", "worker");
        proc.descriptor(WEB, 1, "/run/no-fifo", WRITES);
        proc.descriptor(DAEMON, 9, "/run/no-fifo", 0);
        runtimeState(bundle, "web", WEB, 99_999);
        proc.mount(bundle.toString().replace(" ", "\\040") + "/rootfs");
        proc.mount(bundle.toString().replace(" ", "\\040") + "/rootfs/with\\040blank");
        proc.mount("/somewhere/else");
    }

    /** Closed, and not removed. */
    private void staleSocket() throws IOException {
        var socket = Files.createDirectory(directory.resolve("sockets")).resolve("stale");
        ServerSocketChannel.open(StandardProtocolFamily.UNIX)
                .bind(UnixDomainSocketAddress.of(socket))
                .close();
        Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-------"));
    }

    /** A shim says its version when it is asked as containerd asks. */
    private void v2(FakeProc proc, String id, int shim, int init, Message metrics) throws IOException {
        var bundle = node.task("default", id, init, new FakeTask(shim, init, metrics));
        Files.writeString(bundle.resolve("options.json"), "{\"root\":\"" + directory + "/runc\"}");
        runtimeState(bundle, id, init, 200_100);
        var program = Files.createDirectories(directory.resolve("bin")).resolve("containerd-shim-runc-v2");
        Files.writeString(program, "#!/bin/sh\n[ \"$1\" = -v ] && printf '%s:\\n  Version:  2.1.4\\n' \"$0\"\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
        proc.process(
                shim,
                1,
                200_000,
                "/",
                program.toString(),
                "-namespace",
                "default",
                "-id",
                id,
                "-address",
                "/run/containerd/containerd.sock");
        proc.process(init, shim, 200_100, "/default/" + id, "sh");
        proc.process(init + 1, init, 200_200, "/default/" + id, "sleep", "1000");
        proc.process(init + 9, shim, 200_900, "/default/" + id, "bash", "-l");
        proc.process(init + 10, init + 9, 201_000, "/default/" + id, "top");
    }

    /** As runc keeps it. */
    private void runtimeState(Path bundle, String id, int init, int startTicks) throws IOException {
        var kept = Files.createDirectories(directory.resolve("runc/default").resolve(id));
        Files.writeString(kept.resolve("state.json"), """
                {"init_process_pid": %d, "init_process_start": %d, "config": {"labels": ["bundle=%s"]},
                 "cgroup_paths": {"pids": "/sys/fs/cgroup/pids/default/%s"}}
                """.formatted(init, startTicks, bundle, id));
    }

    private static Message cgroup2() {
        var metrics = dev.jshim.proto.v2.cgroup2.Metrics.newBuilder();
        metrics.getPidsBuilder().setCurrent(4).setLimit(-1);
        metrics.getCpuBuilder().setUsageUsec(1_234_567).setUserUsec(1_000_000);
        metrics.getMemoryBuilder().setUsage(5_000_000).setUsageLimit(64 << 20).setAnon(4_000_000);
        return metrics.build();
    }

    private static Message cgroup1() {
        var metrics = dev.jshim.proto.v2.cgroup1.Metrics.newBuilder();
        metrics.getPidsBuilder().setCurrent(4).setLimit(100);
        metrics.getCpuBuilder().getUsageBuilder().setTotal(7_654_321_000L).addPerCpu(7_000_000_000L);
        metrics.getMemoryBuilder().getUsageBuilder().setUsage(6_000_000).setLimit(0x7ffffffffffff000L);
        return metrics.build();
    }

    /** Whatever the umask is. */
    private void setModes() throws IOException {
        Files.setPosixFilePermissions(node.root, PosixFilePermissions.fromString("rwx------"));
        try (var all = Files.walk(node.state)) {
            for (var path : all.toList()) {
                var mode = Files.isDirectory(path) ? "rwxr-xr-x" : "rw-------";
                Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
            }
        }
    }

    @AfterEach
    void tearDown() throws IOException {
        node.close();
    }

    /** A pod's containers have one shim. */
    @Test
    void topNamesTheContainersOfAShim() throws IOException {
        node.task("default", "side", API + 50, new FakeTask(API_SHIM, API + 50, cgroup2()));
        new FakeProc(directory.resolve("proc")).process(API + 50, API_SHIM, 200_300, "/default/side", "sleep", "1");
        assertThat(Result.on(node, machine, "top", "--count", "1").out())
                .containsPattern(API_SHIM + " +containerd-shim-runc-v2 +default/api \\+1 +2 ")
                .containsPattern(BATCH_SHIM + " +containerd-shim-runc-v2 +default/batch +1 ");
        assertThat(Result.on(node, machine, Golden.asJson("top", "--count", "1"))
                        .out()
                        .replaceAll("\\s+", ""))
                .contains("\"tasks\":2,\"containers\":[\"default/api\",\"default/side\"]");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "shims-ls     | ls",
                "shims-sockets | sockets",
                "shims-find   | find 4700112",
                "inspect      | inspect web",
                "inspect-v2   | inspect api",
                "inspect-mute | inspect db",
                "pids         | pids api",
                "pids-v1      | pids web",
                "stats        | stats api --sample 1ms",
                "stats-v1     | stats batch --sample 1ms",
                "stats-all    | stats --sample 1ms",
                "check        | check --config DIR/config.toml",
                "exec         | exec -e A=b --cwd /x web ls -o /",
                "top          | top --count 1",
                "top-again    | top --count 2 --interval 1ms --sort memory",
            })
    void output(String name, String args) throws IOException {
        var words = args.replace("DIR", directory.toString()).split(" ", -1);
        if (MUTE.contains(name)) {
            node.mute("k8s.io", "db");
            if (name.equals("inspect-mute")) {
                node.patience("1s"); // no other is asked
            }
            setModes();
        }
        var golden = new Golden(directory);
        if (!name.equals("exec")) { // which passes on what the command writes
            golden.same(name + ".json", Result.on(node, machine, Golden.asJson(words)));
        }
        golden.same(name + ".txt", Result.on(node, machine, words));
    }
}
