package dev.jshim.node.bundle;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.jshim.node.NodePaths;
import dev.jshim.node.SmallFile;
import dev.jshim.node.shim.OciRuntime;
import dev.jshim.node.shim.RuntimeState;
import dev.jshim.node.socket.UnixSocketTable;
import dev.jshim.task.ShimSocket;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.io.TempDir;

/** Whatever stands in the files of a bundle, or of a runtime's state, it is read or is a problem with a text. */
class BundleFuzzTest {
    private static final UnixSocketTable NO_SOCKETS = new UnixSocketTable(Set.of(), Set.of());
    private static final TaskId TASK = new TaskId("ns", "c");

    @TempDir
    Path folder;

    @FuzzTest
    void v1Address(byte[] input) throws IOException {
        write("address", input);
        List<String> problems = new ArrayList<>();
        var socket = V1Address.of(folder, TASK, NO_SOCKETS, problems);
        assertThat(problems.isEmpty()).isEqualTo(socket != null);
        assertThat(problems).allMatch(BundleFuzzTest::isOneLine);
        if (socket != null) {
            assertThat(ShimSocket.parse(socket.address())).isEqualTo(socket);
            assertThat(isOneLine(socket.address())).isTrue();
        }
    }

    @FuzzTest
    void v2Address(byte[] input) throws IOException {
        write("bootstrap.json", input);
        List<String> problems = new ArrayList<>();
        var endpoint = V2Address.of(folder, problems);
        assertThat(problems.isEmpty()).isEqualTo(endpoint.socket() != null);
        assertThat(problems).allMatch(BundleFuzzTest::isOneLine);
    }

    /** A pid is what containerd writes, and nothing that only looks like a number. */
    @FuzzTest
    void pid(byte[] input) throws IOException {
        write("init.pid", input);
        List<String> problems = new ArrayList<>();
        var pid = SmallFile.pid(folder.resolve("init.pid"), problems);
        assertThat(problems.isEmpty()).isEqualTo(pid > 0);
        assertThat(problems).allMatch(BundleFuzzTest::isOneLine);
        if (pid > 0) {
            assertThat(new String(input, StandardCharsets.UTF_8).strip()).isEqualTo(Integer.toString(pid));
        }
    }

    @FuzzTest
    void config(byte[] input) throws IOException {
        write("config.json", input);
        switch (OciConfigReader.read(folder)) {
            case OciConfig.Spec spec ->
                assertThat(new String(input, StandardCharsets.UTF_8)).contains("{");
            case OciConfig.Broken broken ->
                assertThat(isOneLine(broken.reason())).isTrue();
            case OciConfig.Missing missing -> throw new AssertionError("it is there");
        }
    }

    @FuzzTest
    void state(byte[] input) throws IOException {
        write("state.json", input);
        var state = RuntimeState.read(folder);
        if (state != null) {
            var init = state.init();
            assertThat(init == null || (init.pid() > 0 && init.startTicks() > 0))
                    .isTrue();
            assertThat(state.cgroups()).allMatch(Path::isAbsolute);
        }
    }

    /** A whole bundle, all of whose files hold the same. */
    @FuzzTest
    void bundle(byte[] input) throws IOException {
        var paths = new NodePaths(folder.resolve("root"), folder.resolve("state"));
        for (var bundle : List.of(paths.v1Bundle(TASK), paths.v2Bundle(TASK))) {
            Files.createDirectories(bundle);
            for (var name : List.of(
                    "address",
                    "bootstrap.json",
                    "config.json",
                    "init.pid",
                    "options.json",
                    "runtime",
                    "runtime-root",
                    "sandbox",
                    "shim-binary-path",
                    "shim.pid")) {
                Files.write(bundle.resolve(name), input);
            }
        }
        var scanner = new BundleScanner(paths, NO_SOCKETS);
        var bundles = scanner.scan();
        assertThat(bundles).hasSize(2);
        for (var bundle : bundles) {
            assertThat(bundle.problems()).allMatch(BundleFuzzTest::isOneLine);
            assertThat(OciRuntime.of(bundle, null).root().isAbsolute()).isTrue();
        }
    }

    private static boolean isOneLine(String text) {
        return text.chars().noneMatch(Character::isISOControl) && text.length() < 1000;
    }

    private void write(String name, byte[] bytes) throws IOException {
        Files.write(folder.resolve(name), bytes);
    }
}
