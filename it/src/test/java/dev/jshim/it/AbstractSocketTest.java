package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.node.socket.ShimConnection;
import dev.jshim.proto.v1.shim.CreateTaskRequest;
import dev.jshim.proto.v1.shim.ShimGrpc;
import dev.jshim.proto.v1.shim.StartRequest;
import dev.jshim.task.ShimSocket;
import dev.jshim.ttrpc.TtrpcChannel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The real v1 shims on abstract sockets, as they listened before 1.3.9 and 1.4.3, started by hand with their own flag
 * for it: adopted through jnr-unixsocket and lived to the end under containerd 2.x.
 */
@ParameterizedClass(name = "the shim of containerd {0}")
@MethodSource("oldReleases")
class AbstractSocketTest extends MigrationScenario {
    private static final Duration TIMEOUT = Duration.ofSeconds(10);

    AbstractSocketTest(Release old) {
        super(old);
    }

    /** containerd 1.0 to 1.2: no address file. */
    @Test
    void theFirstForm() throws Exception {
        theWholeWay("/containerd-shim/" + node.namespace() + "/one/shim.sock", false);
    }

    /** containerd 1.3 before 1.3.9 and 1.4 before 1.4.3: no address file. */
    @Test
    void theHashedForm() throws Exception {
        byte[] sum = MessageDigest.getInstance("SHA-256")
                .digest((node.namespace() + "/one").getBytes(StandardCharsets.UTF_8));
        theWholeWay("/containerd-shim/" + HexFormat.of().formatHex(sum) + ".sock", false);
    }

    /** An address file with a bare path, which means the abstract name. */
    @Test
    void theNameInAnAddressFile() throws Exception {
        theWholeWay("/containerd-shim/" + node.namespace() + ".sock", true);
    }

    /** One that the old daemon has created and has not started: that is for the new one to do. */
    @Test
    void createdAndNotStarted() throws Exception {
        String name = "/containerd-shim/" + node.namespace() + "/one/shim.sock";
        Path bundle = prepare();
        Path work = node.legacyWork("one");
        Process shim = shim(bundle, work, name);
        try {
            int pid = create(bundle, name, false);
            migrate("apply", "--yes").ok();
            node.switchTo(Release.V2);
            assertThat(Tasks.of(node).get("one").status()).isEqualTo("CREATED");
            EventLog events = EventLog.open(node);
            try (ShimClient client = ShimClient.of(node, "one")) {
                int started = client.task()
                        .start(dev.jshim.proto.v2.task2.StartRequest.newBuilder()
                                .setId("one")
                                .build())
                        .getPid();
                assertThat(started).isEqualTo(pid);
            }
            assertThat(Tasks.of(node).isRunning("one")).isTrue();
            Wait.until("its start is told", () -> events.topics("one").contains("/tasks/start"));
            node.exec("one", "e", "/bin/sh", "-c", "exit 3").expect(3);
            node.remove("one");
            assertThat(shim.waitFor(60, TimeUnit.SECONDS))
                    .as("its shim ends with it")
                    .isTrue();
            Wait.until("nothing of v1 is left", () -> !Files.exists(bundle) && !Files.exists(work));
        } finally {
            shim.destroyForcibly().waitFor();
        }
    }

    private void theWholeWay(String name, boolean withFile) throws Exception {
        Path bundle = prepare();
        Path work = node.legacyWork("one");
        Process shim = shim(bundle, work, name);
        try {
            int pid = create(bundle, name, true);
            if (withFile) {
                Files.writeString(bundle.resolve("address"), name);
                Files.writeString(bundle.resolve("shim.pid"), Long.toString(shim.pid()));
            }
            var plan = row(migrate("plan", "-o", "json").ok(), "one");
            assertThat(plan.get("socketKind").getAsString()).isEqualTo("abstract");
            assertThat(plan.get("shimPid").getAsLong()).isEqualTo(shim.pid());
            migrate("apply", "--yes").ok();
            node.switchTo(Release.V2);

            assertThat(node.init("one").pid()).isEqualTo(pid);
            node.exec("one", "e", "/bin/sh", "-c", "exit 3").expect(3);
            node.kill9();
            node.start();
            assertThat(node.init("one").pid()).isEqualTo(pid);
            EventLog events = EventLog.open(node);
            node.ctr("task", "kill", "-s", "KILL", "one").ok();
            assertThat(events.exit("one", "one").number("exit_status")).isEqualTo(137);
            node.ctr("task", "rm", "one");
            node.ctr("container", "rm", "one").ok();
            assertThat(shim.waitFor(60, TimeUnit.SECONDS))
                    .as("its shim ends with it")
                    .isTrue();
            Wait.until("nothing of v1 is left", () -> !Files.exists(bundle) && !Files.exists(work));
        } finally {
            shim.destroyForcibly().waitFor();
        }
    }

    /** Makes what the old daemon makes of a container before it starts a shim, and ends the daemon. */
    private Path prepare() throws IOException {
        OldRecord.create(node, "one");
        byte[] spec = OldRecord.spec(node, "one");
        node.stop();
        Path bundle = node.legacyBundle("one");
        Files.createDirectories(bundle.resolve("rootfs"));
        Files.createDirectories(node.legacyWork("one"));
        Files.write(bundle.resolve("config.json"), spec);
        return bundle;
    }

    /** As the old daemon starts it, but that it listens by itself. */
    private Process shim(Path bundle, Path work, String name) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(
                old.folder().resolve("containerd-shim").toString(),
                "-namespace",
                node.namespace(),
                "-workdir",
                work.toString(),
                "-address",
                node.socket().toString(),
                "-containerd-binary",
                old.daemon().toString(),
                "-socket",
                name);
        builder.environment().clear();
        builder.environment().putAll(Run.environment(List.of()));
        return builder.directory(bundle.toFile())
                .redirectErrorStream(true)
                .redirectOutput(node.dir().resolve("shim.log").toFile())
                .start();
    }

    /** What the old daemon asks of a shim for a container with a root file system of its own. */
    private static int create(Path bundle, String name, boolean started) throws IOException {
        try (TtrpcChannel channel = Wait.forValue("the shim listens", () -> connect(name))) {
            var shim = ShimGrpc.newBlockingStub(channel).withDeadlineAfter(30, TimeUnit.SECONDS);
            int pid = shim.create(CreateTaskRequest.newBuilder()
                            .setId("one")
                            .setBundle(bundle.toString())
                            .setRuntime("runc")
                            .build())
                    .getPid();
            if (started) {
                var _ = shim.start(StartRequest.newBuilder().setId("one").build());
            }
            return pid;
        }
    }

    private static @Nullable TtrpcChannel connect(String name) {
        try {
            return ShimConnection.open(new ShimSocket.Abstract(name), TIMEOUT);
        } catch (IOException e) {
            return null;
        }
    }
}
