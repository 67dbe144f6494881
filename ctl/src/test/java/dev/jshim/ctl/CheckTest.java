package dev.jshim.ctl;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.cli.Machine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The verdict of {@code check}, on a machine with which nothing is wrong but what a test adds. */
@Timeout(60)
class CheckTest {
    private static final int SHIM = 4_700_301;

    @TempDir
    private Path directory;

    private FakeNode node = new FakeNode(Path.of("/"));

    @BeforeEach
    void setUp() throws IOException {
        node = new FakeNode(directory);
        Files.setPosixFilePermissions(node.root, PosixFilePermissions.fromString("rwx------"));
        Files.setPosixFilePermissions(node.state, PosixFilePermissions.fromString("rwx--x--x"));
    }

    @AfterEach
    void tearDown() throws IOException {
        node.close();
    }

    private Result check(FakeHost host, FakeProc proc, String... options) {
        var words = new String[options.length + 3];
        words[0] = "check";
        words[1] = "--config";
        words[2] = directory.resolve("config.toml").toString();
        System.arraycopy(options, 0, words, 3, options.length);
        return Result.on(node, new Machine(proc.read(), host, List.of()), words);
    }

    private FakeProc proc() throws IOException {
        Files.writeString(directory.resolve("config.toml"), "version = 2\n");
        return new FakeProc(directory.resolve("proc"));
    }

    @Test
    void nothingIsWrong() throws IOException {
        var result = check(FakeHost.GOOD, proc(), "--strict");
        assertThat(result.code()).isZero();
        assertThat(result.out()).startsWith("ready for containerd 2.x: no errors, no warnings\n");
    }

    @Test
    void aWarningCountsOnlyIfThatIsAskedFor() throws IOException {
        var old = new FakeHost("6.1.0", "v1", "process", "crun version 1.14", 1L << 40);
        var result = check(old, proc());
        assertThat(result.code()).isZero();
        assertThat(result.out()).startsWith("ready for containerd 2.x: no errors, 1 warning\n");
        assertThat(check(old, proc(), "--strict").code()).isEqualTo(ExitCode.FINDINGS);
    }

    @Test
    void anErrorCounts() throws IOException {
        var killing = new FakeHost("6.1.0", "v2", "control-group", "crun version 1.14", 1L << 40);
        var result = check(killing, proc());
        assertThat(result.code()).isEqualTo(ExitCode.FINDINGS);
        assertThat(result.out()).startsWith("not ready for containerd 2.x: 1 error, no warnings\n");
    }

    @Test
    void theShimsOfAnotherContainerdCountUnlessTheyAreAdopted() throws IOException {
        var root = directory.resolve("docker/root");
        var state = directory.resolve("docker/state");
        var proc = proc();
        other(proc, root, state, SHIM, "one");
        other(proc, root, state, SHIM + 1, "two");

        var result = check(FakeHost.GOOD, proc);
        assertThat(result.code()).isEqualTo(ExitCode.FINDINGS);
        assertThat(result.out())
                .startsWith("not ready for containerd 2.x: 2 errors, no warnings\n")
                .contains("""
                        error: v1 container (2)
                          moby/one runs on the v1 runtime, shim pid 4700301, of another containerd
                          moby/two runs on the v1 runtime, shim pid 4700302, of another containerd
                        """, "\"jshimctl --root " + root + " --state " + state + " migrate plan\"");

        for (var id : List.of("one", "two")) {
            var adopted = Files.createDirectories(state.resolve("io.containerd.runtime.v2.task/moby/" + id));
            Files.writeString(adopted.resolve("shim-binary-path"), "/usr/bin/containerd-shim-v1-linux");
        }
        assertThat(check(FakeHost.GOOD, proc, "--strict").code()).isZero();
    }

    private static void other(FakeProc proc, Path root, Path state, int shim, String id) throws IOException {
        var bundle = Files.createDirectories(state.resolve("io.containerd.runtime.v1.linux/moby/" + id));
        var work = Files.createDirectories(root.resolve("io.containerd.runtime.v1.linux/moby/" + id));
        Files.writeString(bundle.resolve("config.json"), "{}");
        Files.writeString(bundle.resolve("address"), "unix:///nowhere");
        Files.writeString(bundle.resolve("shim.pid"), Integer.toString(shim));
        proc.process(
                shim, 1, 100_000, "/", "/usr/bin/containerd-shim", "-namespace", "moby", "-workdir", work.toString());
        proc.workingDirectory(shim, bundle);
    }
}
