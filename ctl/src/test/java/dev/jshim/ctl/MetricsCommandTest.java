package dev.jshim.ctl;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.cli.Machine;
import dev.jshim.proto.v1.types.Status;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class MetricsCommandTest {
    private static final int SHIM = 4_700_001;
    private static final int INIT = 4_700_011;

    @TempDir
    private Path directory;

    private FakeNode node = new FakeNode(Path.of("/"));
    private Machine machine = Machine.ours();

    @BeforeEach
    void setUp() throws IOException {
        node = new FakeNode(directory, INIT);
        var proc = new FakeProc(directory.resolve("proc"));
        machine = new Machine(
                proc.read(),
                new FakeHost("4.15.0-213", "v1, hybrid", "control-group", "crun version 1.8.1", 500L << 20),
                List.of(directory.resolve("sockets")));
        node.task("default", "web", Status.RUNNING);
        node.mute("k8s.io", "db");
        proc.process(
                SHIM,
                1,
                100_000,
                "/",
                directory + "/bin/containerd-shim",
                "-namespace",
                "default",
                "-workdir",
                node.root + "/io.containerd.runtime.v1.linux/default/web");
        proc.process(INIT, SHIM, 100_100, "/default/web", "nginx");
        var left = node.bundle("k8s.io", "left");
        Files.writeString(left.resolve("init.pid"), Integer.toString(Integer.MAX_VALUE));
        Files.setLastModifiedTime(left, FileTime.from(Instant.EPOCH));
        Files.writeString(directory.resolve("config.toml"), "version = 2\n");
    }

    @AfterEach
    void tearDown() throws IOException {
        node.close();
    }

    @Test
    void printed() throws IOException {
        new Golden(directory).same("metrics.txt", Result.on(node, machine, "metrics", "--check", "--config", config()));
    }

    private String config() {
        return directory + "/config.toml";
    }

    @Test
    void replacesTheFileAsAWhole() throws IOException {
        var folder = Files.createDirectory(directory.resolve("textfile"));
        var file = Files.writeString(folder.resolve("jshim.prom"), "before");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        try (var old = Files.newInputStream(file)) {
            var done = Result.on(node, machine, "metrics", "--textfile", file.toString());

            assertThat(done.code()).as(done.err()).isEqualTo(ExitCode.OK);
            assertThat(done.out()).isEmpty();
            assertThat(new String(old.readAllBytes(), StandardCharsets.UTF_8))
                    .as("who reads the old one has it whole")
                    .isEqualTo("before");
        }
        assertThat(Files.readString(file))
                .contains("\njshim_v1_containers_left 1.0\n")
                .endsWith("\n");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .as("node_exporter is not root")
                .isEqualTo("rw-r--r--");
        assertThat(folder.toFile().list()).containsExactly("jshim.prom");
    }

    @Test
    void refusesWhatNobodyWouldRead() {
        var named = Result.on(node, machine, "metrics", "--textfile", directory + "/metrics.txt");
        assertThat(named.code()).isEqualTo(ExitCode.USAGE);
        assertThat(named.err()).contains("does not end in .prom");

        var placed = Result.on(node, machine, "metrics", "--textfile", directory + "/none/jshim.prom");
        assertThat(placed.code()).isEqualTo(ExitCode.FAILED);
        assertThat(placed.err())
                .contains("no such directory: " + directory + "/none", "--collector.textfile.directory");

        var shown = Result.on(node, machine, Golden.asJson("metrics"));
        assertThat(shown.code()).isEqualTo(ExitCode.USAGE);
        assertThat(shown.err()).contains("metrics have only one format");
    }

    @Test
    void aFileThatCannotBeWrittenStays() throws IOException {
        var file = directory.resolve("textfile/jshim.prom");
        Files.createDirectories(file.resolve("full"));

        var done = Result.on(node, machine, "metrics", "--textfile", file.toString());

        assertThat(done.code()).isEqualTo(ExitCode.FAILED);
        assertThat(done.err()).contains("cannot write " + file);
        assertThat(directory.resolve("textfile").toFile().list()).containsExactly("jshim.prom");
    }
}
