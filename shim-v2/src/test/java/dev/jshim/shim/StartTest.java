package dev.jshim.shim;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.Processes;
import dev.jshim.proto.v2.task2.ConnectRequest;
import dev.jshim.proto.v2.task2.ShutdownRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(90)
class StartTest {
    private static final String POD = "{\"annotations\":{\"io.kubernetes.cri.sandbox-id\":\"pod\"}}";

    @TempDir
    Path folder;

    private Path containerd;

    @BeforeEach
    void name() {
        containerd = folder.resolve("containerd.sock");
    }

    private Path bundle(String id) throws Exception {
        return FakeContainer.bundle(folder, id, POD);
    }

    private ShimProcess launch(String id) throws Exception {
        return ShimProcess.launch(
                bundle(id), Map.of(), "-namespace", "test", "-address", containerd.toString(), "-id", id, "start");
    }

    private static int shimPid(ShimProcess shim) throws Exception {
        return shim.task().connect(ConnectRequest.getDefaultInstance()).getShimPid();
    }

    @Test
    void servesAPodInOneProcess() throws Exception {
        var first = bundle("one");
        var second = bundle("two");
        try (var shim = ShimProcess.start(first, "one", containerd)) {
            assertThat(first.resolve("address")).hasContent("unix://" + shim.socket());
            assertThat(first.resolve("shim.pid")).hasContent(Long.toString(shim.pid()));
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(shim.socket())))
                    .isEqualTo("rw-------");
            assertThat(PosixFilePermissions.toString(
                            Files.getPosixFilePermissions(shim.socket().getParent())))
                    .isEqualTo("rwx------");
            var stat = Objects.requireNonNull(Processes.stat((int) shim.pid()));
            assertThat(stat.session()).as("leads a session").isEqualTo((int) shim.pid());
            assertThat(Files.readSymbolicLink(Path.of("/proc/" + shim.pid() + "/fd/0")))
                    .isEqualTo(Path.of("/dev/null"));
            assertThat(first.resolve("stderr")).isEmptyFile();

            try (var joining = launch("two")) {
                assertThat(joining.reply()).isEqualTo(shim.reply());
                assertThat(joining.awaitEnd()).isZero();
                assertThat(second.resolve("address")).hasContent("unix://" + shim.socket());
                assertThat(shimPid(joining)).isEqualTo((int) shim.pid());
                assertThat(shim.socket()).exists();
            }
        }
    }

    @Test
    void endsWhenToldAndLeavesNoSocket() throws Exception {
        var bundle = bundle("one");
        try (var shim = ShimProcess.start(bundle, "one", containerd)) {
            var socket = shim.socket();
            var _ = shim.task()
                    .shutdown(ShutdownRequest.newBuilder().setId("one").build());
            Until.holds("the socket is gone", () -> !Files.exists(socket));
            // Made by a start of the same group before the first has ended.
            Files.createDirectories(socket.getParent());
            Files.writeString(socket, "another's");
            assertThat(shim.awaitEnd()).isZero();
            assertThat(socket).hasContent("another's");
            Files.delete(socket);
            Files.delete(socket.getParent());
        }
    }

    @Test
    void endsBySignalAndLeavesNoSocket() throws Exception {
        try (var shim = ShimProcess.start(bundle("one"), "one", containerd)) {
            shim.signal(Processes.SIGTERM);
            assertThat(shim.awaitEnd()).as("0 once it handles signals").isIn(0, 128 + Processes.SIGTERM);
            assertThat(shim.socket()).doesNotExist();
        }
    }

    @Test
    void twoAtOnceAreOneShim() throws Exception {
        for (var i = 0; i < 3; i++) {
            try (var one = launch("one");
                    var two = launch("two")) {
                assertThat(one.reply()).startsWith("ok unix://").isEqualTo(two.reply());
                var daemon = shimPid(one);
                assertThat(daemon).isEqualTo(shimPid(two));
                var joined = daemon == one.pid() ? two : one;
                assertThat(joined.awaitEnd()).isZero();
                assertThat(List.of(one, two)).filteredOn(ShimProcess::isAlive).hasSize(1);
            }
        }
    }

    @Test
    void replacesTheSocketOfADeadShim() throws Exception {
        Path socket;
        try (var dead = ShimProcess.start(bundle("one"), "one", containerd)) {
            socket = dead.socket();
            dead.signal(Processes.SIGKILL);
            assertThat(dead.awaitEnd()).isEqualTo(128 + Processes.SIGKILL);
            assertThat(socket).exists();
            try (var one = launch("one");
                    var two = launch("two")) {
                assertThat(one.reply()).isEqualTo("ok unix://" + socket).isEqualTo(two.reply());
                assertThat(shimPid(one)).isEqualTo(shimPid(two)).isIn((int) one.pid(), (int) two.pid());
            }
        }
    }

    @Test
    void saysWhyItCannotStart() throws Exception {
        assertThat(failure("one", "-id", "one", "start")).contains("flag -namespace is missing");
        assertThat(failure("one", "-namespace", "../n", "-id", "one", "start"))
                .contains("namespace \"../n\" is not valid");
        assertThat(failure("one", "-namespace", "n", "-id", "a/b", "start"))
                .contains("container id \"a/b\" is not valid");
        var bundle = bundle("one");
        Files.writeString(bundle.resolve("config.json"), "{");
        try (var shim = ShimProcess.launch(bundle, Map.of(), "-namespace", "n", "-id", "one", "start")) {
            assertThat(shim.reply())
                    .startsWith("error ")
                    .contains(bundle.resolve("config.json") + " cannot be read as an OCI spec");
            assertThat(shim.awaitEnd()).isEqualTo(1);
        }
        Files.delete(bundle.resolve("config.json"));
        try (var shim = ShimProcess.launch(bundle, Map.of(), "-namespace", "n", "-id", "one", "start")) {
            assertThat(shim.reply()).contains("config.json is missing");
        }
        var sandbox = Files.createDirectories(bundle.resolve("io.containerd.sandbox.controller.v1.shim/n/pod"));
        try (var shim = ShimProcess.launch(sandbox, Map.of(), "-namespace", "n", "-id", "pod", "start")) {
            assertThat(shim.reply()).contains("no sandbox service", "podsandbox");
        }
    }

    private String failure(String id, String... flags) throws Exception {
        try (var shim = ShimProcess.launch(bundle(id), Map.of(), flags)) {
            assertThat(shim.reply()).startsWith("error ");
            assertThat(shim.awaitEnd()).isEqualTo(1);
            return shim.reply();
        }
    }
}
