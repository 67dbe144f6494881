package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What an operator, or bad luck, may do to a node whose containers are adopted. Takes long, so in the long run alone.
 */
@LongRun
@ParameterizedClass(name = "from containerd {0}")
@MethodSource("oneOldRelease")
class AdoptedTroubleTest extends MigrationScenario {
    private static final Duration LONG = Duration.ofSeconds(30);

    AdoptedTroubleTest(Release old) {
        super(old);
    }

    private void awaitBridge() {
        Wait.until(
                LONG,
                "a bridge serves",
                () -> Product.ctl(node, "bridge", "verify").code() == 0);
    }

    private void assertNothingOfV1(String id) {
        Wait.until(
                LONG,
                "nothing of v1 is left",
                () -> !Files.exists(node.legacyWork(id)) && !Files.exists(node.legacyBundle(id)));
    }

    /** Directories that are links to others, with a blank in the name; an id as long as there can be one. */
    @Test
    void awkwardPlaces() throws IOException {
        node.stop();
        Path place = Files.createDirectory(node.dir().resolve("another place"));
        for (Path folder : List.of(node.root(), node.state())) {
            Path moved = place.resolve(folder.getFileName());
            Files.move(folder, moved);
            Files.createSymbolicLink(folder, moved);
        }
        node.start();
        String id = "i".repeat(76);
        ProcessFacts init = legacy(id);
        ProcessFacts shim = ProcessFacts.of(init.parent());
        Files.delete(node.legacyBundle(id).resolve("shim.pid")); // as before containerd 1.3.9
        upgrade();
        assertThat(node.init(id)).isEqualTo(init);
        node.exec(id, "e", "/bin/sh", "-c", "exit 3").expect(3);
        node.kill9();
        node.start();
        assertThat(node.init(id)).isEqualTo(init);
        node.remove(id);
        assertNothingOfV1(id);
        assertThat(shim.alive()).isFalse();
    }

    @Test
    void containerdDiesAmidExecs() {
        ProcessFacts init = legacy("one");
        upgrade();
        for (int round = 0; round < 3; round++) {
            String name = "r" + round + "-";
            List<CompletableFuture<Outcome>> execs = new ArrayList<>();
            AtomicInteger began = new AtomicInteger();
            for (int i = 0; i < 8; i++) {
                String execId = name + i;
                execs.add(CompletableFuture.supplyAsync(() -> {
                    began.incrementAndGet();
                    return node.exec("one", execId, "/bin/true");
                }));
            }
            Wait.until("they have begun", () -> began.get() > 1);
            Wait.pause(Duration.ofMillis(100L + 200L * round));
            node.kill9();
            execs.forEach(CompletableFuture::join);
            node.start();
            assertThat(node.init("one")).isEqualTo(init);
            node.exec("one", name + "after", "/bin/sh", "-c", "exit 4").expect(4);
        }
        node.remove("one");
        assertNothingOfV1("one");
    }

    @Test
    void noSpaceIsLeftWhenItEnds() throws IOException {
        legacy("one");
        legacy("two");
        node.stop();
        // Where the bridge notes what it is about to do, and the bundles themselves.
        Path bridge = Files.createDirectories(node.state().resolve("jshim"));
        mount(bridge);
        Path bundles = Files.createDirectories(node.state().resolve("io.containerd.runtime.v2.task"));
        mount(bundles);
        try {
            migrate("apply", "--yes").ok();
            node.switchTo(Release.V2);
            fill(bridge);
            fill(bundles);
            node.exec("one", "e", "/bin/sh", "-c", "exit 3").expect(3);
            node.remove("one");
            assertNothingOfV1("one");
            Files.delete(bridge.resolve("full"));
            Files.delete(bundles.resolve("full"));
            node.remove("two");
            assertNothingOfV1("two");
            node.stop();
            Product.ctl(node, "bridge", "stop").ok();
        } finally {
            unmount(bridge);
            unmount(bundles);
        }
    }

    private static void mount(Path folder) {
        Run.of(List.of("mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", folder.toString()))
                .run()
                .ok();
    }

    private static void unmount(Path folder) {
        Run.of(List.of("umount", "-l", folder.toString())).run();
    }

    private static void fill(Path folder) throws IOException {
        try (var out = Files.newOutputStream(folder.resolve("full"))) {
            while (true) {
                out.write(new byte[1024]);
            }
        } catch (IOException e) {
            assertThat(e).hasMessageContaining("No space left");
        }
    }

    /** Somebody tidies up, or ends what he does not know: all comes back with a bridge and a start of containerd. */
    @Test
    void theBridgesFolderIsDeletedAndTheBridgeIsTold() throws IOException {
        Trio trio = Trio.start(node);
        upgrade();
        trio.listed(node);
        long bridge = bridge();
        Run.of(List.of("rm", "-rf", node.state().resolve("jshim").toString()))
                .run()
                .ok();
        trio.listed(node);
        trio.answers("without its folder");
        Outcome verify =
                Product.ctl(node, "--timeout", "2s", "bridge", "verify").expect(3);
        assertReadable(verify);
        node.stop();

        Signal.KILL.to(bridge);

        awaitBridge();
        node.start();
        trio.listed(node);
        trio.unharmed();
        trio.answers("again");
        // As an operator who does not know what it is: the next one serves.
        ProcessFacts ended = ProcessFacts.of(bridge());
        Signal.TERM.to(ended.pid());
        Wait.until("it ends", () -> !ended.alive());
        awaitBridge();
        trio.listed(node);
        trio.answers("after SIGTERM");
        // As systemd, and the end of a session.
        ProcessFacts.withCommand("jshim-keeper", node.state().toString()).forEach(Signal.TERM::to);
        Wait.until(
                "it ends",
                () -> Product.ctl(node, "--timeout", "2s", "bridge", "status").code() == 3);
        node.stop();
        Product.ctl(node, "bridge", "start").ok();
        node.start();
        trio.listed(node);
        trio.unharmed();
        trio.remove(node);
    }

    /** Many who connect and say nothing, or nonsense, on a container's socket and on the bridge's own. */
    @Test
    void strangersAtTheDoor() throws IOException {
        ProcessFacts init = legacy("one");
        upgrade();
        String address = Files.readString(node.bundle("one").resolve("address"));
        List<Path> doors = List.of(
                Path.of(address.substring("unix://".length())), node.state().resolve("jshim/bridge.sock"));
        List<SocketChannel> strangers = new ArrayList<>();
        try {
            for (int i = 0; i < 300; i++) {
                for (Path door : doors) {
                    SocketChannel stranger = SocketChannel.open(UnixDomainSocketAddress.of(door));
                    strangers.add(stranger);
                    int kind = i % 4;
                    if (kind > 0) {
                        byte[] header = {0, 0x3f, (byte) 0xff, (byte) 0xff, 0, 0, 0, 1, 1, 0};
                        byte[] nonsense = "GET / HTTP/1.1\r\n\r\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
                        stranger.write(ByteBuffer.wrap(kind == 1 ? nonsense : header));
                    }
                    if (kind == 3) {
                        stranger.write(ByteBuffer.wrap(new byte[100]));
                    }
                }
            }
            node.exec("one", "e", "/bin/sh", "-c", "exit 3").expect(3);
            assertThat(node.init("one")).isEqualTo(init);
            Product.ctl(node, "bridge", "verify").ok();
        } finally {
            for (SocketChannel stranger : strangers) {
                stranger.close();
            }
        }
        Product.ctl(node, "bridge", "replace").ok();
        node.exec("one", "f", "/bin/sh", "-c", "exit 4").expect(4);
        node.remove("one");
    }

    /** It is stopped while its container is to be ended, and goes on later. */
    @Test
    void aShimThatHangsOverTheEnd() {
        ProcessFacts one = legacy("one");
        ProcessFacts other = legacy("other");
        long shim = one.parent();
        upgrade();
        Signal.STOP.to(shim);
        try {
            long began = System.nanoTime();
            assertThat(node.ctr("task", "kill", "-s", "KILL", "one").code()).isNotZero();
            assertThat(node.ctr("task", "rm", "-f", "one").code()).isNotZero();
            assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(LONG);
            node.exec("other", "e", "/bin/sh", "-c", "exit 3").expect(3);
            node.kill9();
            node.start();
            assertThat(node.init("one")).isEqualTo(one);
            assertThat(one.alive()).isTrue();
        } finally {
            Signal.CONT.to(shim);
        }
        Wait.until(
                "its shim answers",
                () -> node.ctr("task", "kill", "-s", "KILL", "one").code() == 0);
        Wait.until("it stops", () -> Tasks.of(node).isStopped("one"));
        assertThat(node.ctr("task", "rm", "one").ok().err()).contains("exit code 137");
        node.ctr("container", "rm", "one").ok();
        assertNothingOfV1("one");
        assertThat(node.init("other")).isEqualTo(other);
        node.remove("other");
    }

    /** All that could know of it is dead, but not the container. */
    @Test
    void shimBridgeAndContainerdDieTogether() {
        ProcessFacts one = legacy("one");
        ProcessFacts other = legacy("other");
        long shim = one.parent();
        upgrade();
        long bridge = bridge();
        node.kill9();
        Signal.KILL.to(shim);
        Signal.KILL.to(bridge);
        awaitBridge();
        node.start();
        assertThat(node.init("other")).isEqualTo(other);
        Wait.until(LONG, "it is ended", () -> !one.alive());
        Wait.until("it is known", () -> Tasks.of(node).isStopped("one"));
        assertThat(node.ctr("task", "rm", "one").ok().err()).contains("exit code 137");
        node.ctr("container", "rm", "one").ok();
        assertNothingOfV1("one");
        node.forgiveStaleSockets(); // it belongs to a shim that could not remove it
        node.remove("other");
    }

    /** A bridge that is stopped and goes on: whoever asked meanwhile is answered. */
    @Test
    void aBridgeThatHangsForAWhile() {
        ProcessFacts one = legacy("one");
        upgrade();
        ProcessFacts bridge = ProcessFacts.of(bridge());
        Signal.STOP.to(bridge.pid());
        CompletableFuture<Outcome> exec;
        try {
            exec = CompletableFuture.supplyAsync(() -> node.exec("one", "e", "/bin/sh", "-c", "exit 3"));
            Product.ctl(node, "--timeout", "1s", "bridge", "verify").expect(3);
            assertReadable(
                    Product.ctl(node, "--timeout", "1s", "bridge", "replace").expect(1));
        } finally {
            Signal.CONT.to(bridge.pid());
        }
        exec.join().expect(3);
        Product.ctl(node, "bridge", "verify").ok();
        Product.ctl(node, "bridge", "replace").ok();
        assertThat(node.init("one")).isEqualTo(one);
        Wait.until("the old one ends", () -> !bridge.alive());
        node.remove("one");
    }

    /** Two containerds on one machine with the same namespace and id, each with a bridge of its own. */
    @Test
    void theSameNameUnderTwoDaemons() {
        ProcessFacts here = legacy("one");
        try (PrivateContainerd second = PrivateContainerd.create(old)) {
            second.addConfiguration("""
                    [plugins."io.containerd.runtime.v1.linux"]
                      runtime_root = "%s"
                    """.formatted(second.dir().resolve(Leftovers.PRIVATE_RUNC)));
            second.start();
            second.ctrIn(
                            node.namespace(),
                            second.runArgs(
                                            Product.LEGACY,
                                            List.of("-d", "--cgroup", "/" + second.namespace() + "/one"),
                                            "one",
                                            "/bin/sleep",
                                            "100000")
                                    .toArray(String[]::new))
                    .ok();
            ProcessFacts there = initIn(second);
            upgrade();
            second.stop();
            Product.ctl(second, "migrate", "apply", "--yes").ok();
            second.switchTo(Release.V2);
            assertThat(node.init("one")).isEqualTo(here);
            assertThat(initIn(second)).isEqualTo(there);

            node.remove("one");
            assertNothingOfV1("one");
            assertThat(there.alive()).isTrue();
            second.ctrIn(
                            node.namespace(),
                            "task",
                            "exec",
                            "--fifo-dir",
                            second.fifos(),
                            "--exec-id",
                            "e",
                            "one",
                            "/bin/true")
                    .ok();
            second.kill9();
            second.start();
            assertThat(initIn(second)).isEqualTo(there);
            second.ctrIn(node.namespace(), "task", "rm", "-f", "one");
            second.ctrIn(node.namespace(), "container", "rm", "one").ok();
            assertThat(there.alive()).isFalse();
            second.stop();
            Product.ctl(second, "migrate", "rollback", "--yes").ok();
            second.finish();
        }
    }

    /**
     * As Docker's own containerd was set up: places, namespace and runtime of its own, a configuration of version 1.
     */
    @Test
    void theContainerdOfDocker() {
        try (PrivateContainerd docker = PrivateContainerd.create(
                Release.V1_6,
                (release, itself) -> release == Release.V2
                        ? release.config(itself.root(), itself.state(), itself.socket())
                        : """
                        root = "%s"
                        state = "%s"
                        disabled_plugins = ["cri", "aufs", "btrfs", "devmapper", "zfs"]
                        [grpc]
                          address = "%s"
                        [plugins.linux]
                          runtime = "runc"
                          runtime_root = "%s"
                        """.formatted(
                                        itself.root(),
                                        itself.state(),
                                        itself.socket(),
                                        itself.dir().resolve(Leftovers.PRIVATE_RUNC)))) {
            docker.start();
            docker.ctrIn(
                            "moby",
                            docker.runArgs(
                                            Product.LEGACY,
                                            List.of("-d", "--cgroup", "/" + docker.namespace() + "/one"),
                                            "one",
                                            "/bin/sleep",
                                            "100000")
                                    .toArray(String[]::new))
                    .ok();
            ProcessFacts one = inMoby(docker);
            String config = docker.dir().resolve("config.toml").toString();
            docker.stop();
            Run.of(List.of(
                            Product.bin().resolve("jshimctl").toString(),
                            "--config",
                            config,
                            "migrate",
                            "apply",
                            "--yes"))
                    .run()
                    .ok();
            assertThat(docker.state().resolve("io.containerd.runtime.v2.task/moby/one/jshim.v1"))
                    .content()
                    .contains("runtime-root "
                            + docker.dir().resolve(Leftovers.PRIVATE_RUNC).resolve("moby"));
            docker.switchTo(Release.V2);
            assertThat(inMoby(docker)).isEqualTo(one);
            docker.ctrIn("moby", "task", "rm", "-f", "one").ok();
            docker.ctrIn("moby", "container", "rm", "one").ok();
            assertThat(one.alive()).isFalse();
            docker.stop();
            Product.ctl(docker, "migrate", "rollback", "--yes").ok();
            docker.finish();
        }
    }

    private static ProcessFacts inMoby(PrivateContainerd docker) {
        String tasks = docker.ctrIn("moby", "task", "ls").ok().out();
        return ProcessFacts.of(Tasks.parse(tasks).get("one").pid());
    }

    private ProcessFacts initIn(PrivateContainerd daemon) {
        String tasks = daemon.ctrIn(node.namespace(), "task", "ls").ok().out();
        return ProcessFacts.of(Tasks.parse(tasks).get("one").pid());
    }
}
