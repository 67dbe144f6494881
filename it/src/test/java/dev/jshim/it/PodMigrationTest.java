package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jshim.proto.cri.ContainerState;
import dev.jshim.proto.cri.ExecSyncResponse;
import dev.jshim.proto.cri.NamespaceMode;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Kubernetes pods on v1 shims are carried into containerd 2.x, as a kubelet sees them. */
@ParameterizedClass(name = "from containerd {0}")
@MethodSource("oldReleases")
class PodMigrationTest extends PodScenario {
    private static final long MIB = 1 << 20;

    PodMigrationTest(Release old) {
        super(old);
    }

    @Test
    void podsGoOn() throws IOException {
        String counter = counter(web, 0);
        String shell = container(
                web, Cri.container(web, "shell", 0, "/bin/sh").setTty(true).setStdin(true));
        String cat = container(host, Cri.container(host, "cat", 0, "/bin/cat").setStdin(true));
        String address = cri.status(web).getNetwork().getIp();
        upgrade();

        everythingWorks(counter, shell, cat);
        hasItsNames(counter, web, "counter");
        probesWork(counter, "counter");
        probesWork(cat, "cat");
        assertThat(cri.status(web).getNetwork().getIp()).isNotEmpty().isEqualTo(address);
        assertThat(cri.stats(counter).getCpu().getUsageCoreNanoSeconds().getValue())
                .isPositive();
        assertThat(cri.stats(counter).getMemory().getWorkingSetBytes().getValue())
                .isPositive();
        for (Pod pod : List.of(web, host)) {
            assertThat(cri.stats(pod).getLinux().getProcess().getProcessCount().getValue())
                    .isPositive();
        }
        cri.update(counter, Cri.memory(64 * MIB));
        assertThat(Files.readString(Cri.memoryCgroup(web, counter).resolve("memory.limit_in_bytes")))
                .isEqualTo(64 * MIB + "\n");

        killDaemon();
        startDaemon();
        everythingWorks(counter, shell, cat);

        cri.stop(counter, 20);
        assertThat(exited(counter).getExitCode()).isEqualTo(42);
        web.log("counter", 0).assertGapless();
        cri.remove(counter);
        removeAll(web, host);
    }

    /** Before 1.5 a CRI did not write down how Kubernetes calls a container. */
    private void hasItsNames(String id, Pod pod, String container) {
        if (old.equals(Release.V1_6)) {
            String name = pod.name() + "/" + container;
            String namespace = pod.config().getMetadata().getNamespace();
            for (String given : List.of(name, namespace + "/" + name)) {
                assertThat(Product.ctl(node, "state", given, "-o", "jsonpath={.id}")
                                .ok()
                                .out())
                        .isEqualTo(id);
            }
        }
    }

    private void everythingWorks(String counter, String shell, String cat) {
        assertReady(web, host);
        assertRunning(counter, shell, cat);
        web.log("counter", 0).assertCounts();

        ExecSyncResponse ended = cri.execSync(counter, "/bin/sh", "-c", "echo out; echo err >&2; exit 3");
        assertThat(ended.getStdout().toStringUtf8()).isEqualTo("out\n");
        assertThat(ended.getStderr().toStringUtf8()).isEqualTo("err\n");
        assertThat(ended.getExitCode()).isEqualTo(3);

        CriStream reading = cri.exec(cat, false, "/bin/sh", "-c", "read line; echo \"read $line\"; exit 5");
        reading.write("this\n");
        assertThat(reading.status()).contains("NonZeroExitCode", "\"5\"");
        assertThat(reading.output()).isEqualTo("read this\n");
        CriStream terminal = cri.exec(counter, true, "/bin/sh");
        terminal.resize(77, 33);
        Wait.until("the size of the terminal", () -> {
            terminal.write("stty size\n");
            return terminal.output().contains("33 77");
        });
        terminal.write("exit\n");
        assertThat(terminal.status()).contains("Success");

        try (CriStream attached = cri.attach(shell, true)) {
            attached.ask("echo $((6 * 7))", "42");
        }
        try (CriStream attached = cri.attach(cat, false)) {
            attached.ask("to the cat", "to the cat");
        }
        Wait.until("it stands in the log", () -> host.log("cat", 0).lines().contains("to the cat"));
    }

    /** What a kubelet does all the time: many at once, and now and then one that hangs. */
    private void probesWork(String container, String name) {
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Integer>> codes = IntStream.range(0, 10)
                    .mapToObj(code -> threads.submit(() -> cri.execSync(container, "/bin/sh", "-c", "exit " + code)
                            .getExitCode()))
                    .toList();
            assertThat(codes).extracting(Future::get).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
        }
        String hanging = "31" + ThreadLocalRandom.current().nextInt(1_000_000);
        assertThatThrownBy(() -> cri.execSync(1, container, "/bin/sleep", hanging))
                .isInstanceOfSatisfying(
                        StatusRuntimeException.class,
                        e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED));
        assertThat(Run.of(List.of("pgrep", "-f", "sleep " + hanging)).run().out())
                .isEmpty();
        assertThat(init(name).alive()).isTrue();
    }

    @Test
    void exitsKeepTheirCodes() throws IOException {
        String hungry = container(web, waiting(web, "hungry", "exec dd if=/dev/zero of=/dev/null bs=200M"));
        String first = container(web, waiting(web, "first", "exit 7"));
        String second = container(host, waiting(host, "second", "exit 8"));
        cri.update(hungry, Cri.memory(64 * MIB));
        stopDaemon();
        migrate("apply").ok();
        go("first");
        Wait.until("end of a container", () -> !init("first").alive());
        startDaemon(Release.V2);

        assertThat(exited(first).getExitCode()).isEqualTo(7);
        assertThat(exited(first).getReason()).isEqualTo("Error");
        assertThat(exited(first).getFinishedAt()).isPositive();
        assertRunning(hungry, second);

        go("hungry");
        assertThat(exited(hungry).getExitCode()).isEqualTo(137);
        // Which is told on a way of its own.
        Wait.until("the reason is known", () -> exited(hungry).getReason().equals("OOMKilled"));

        killDaemon();
        go("second");
        Wait.until("end of a container", () -> !init("second").alive());
        startDaemon();
        assertThat(exited(second).getExitCode()).isEqualTo(8);
        assertReady(web, host);

        // The end of what holds a pod's namespaces, seen and not seen.
        Signal.KILL.to(init("web").pid());
        Wait.until("end of a pod", () -> !isReady(web));
        killDaemon();
        Signal.KILL.to(init("host").pid());
        Wait.until("end of a pod", () -> !init("host").alive());
        startDaemon();
        // Its process may have ended a moment before the shim knows.
        Wait.until("its end is known", () -> !isReady(host));
        removeAll(web, host);
    }

    @Test
    void containersComeAndGo() {
        String first = counter(web, 0);
        String cat = container(host, Cri.container(host, "cat", 0, "/bin/cat").setStdin(true));
        upgrade();

        // As a kubelet does it: the next attempt is made beside what is left of the one before.
        cri.stop(first, 20);
        cri.stop(cat, 0);
        String counter = counter(web, 1);
        String next = container(host, Cri.container(host, "cat", 1, "/bin/cat").setStdin(true));
        assertThat(node.dir().resolve(Leftovers.PRIVATE_RUNC + "/k8s.io").resolve(next))
                .isDirectory();
        assertThat(cri.status(first).getState()).isEqualTo(ContainerState.CONTAINER_EXITED);
        cri.remove(first);
        cri.remove(cat);
        newContainersWork(counter, next);
        assertThatThrownBy(() -> cri.start(web, Cri.container(web, "broken", 0, "/nowhere")))
                .isInstanceOf(StatusRuntimeException.class)
                .hasMessageContaining("/nowhere")
                .hasMessageContaining("no such file");

        Pod beside = pod("beside", NamespaceMode.POD, CriConfig.OURS);
        String peer = container(beside, Cri.container(beside, "peer", 0, "/bin/sleep", "1000000"));
        assertThat(cri.execSync(
                                peer,
                                "/bin/busybox",
                                "ping",
                                "-c",
                                "1",
                                "-W",
                                "5",
                                cri.status(web).getNetwork().getIp())
                        .getExitCode())
                .isZero();
        Pod unchanged = pod("unchanged", NamespaceMode.NODE, CriConfig.UNCHANGED);
        String sleeper = container(unchanged, Cri.container(unchanged, "sleeper", 0, "/bin/sleep", "1000000"));

        inspectSaysWhatItCan(counter, next, peer);

        killDaemon();
        startDaemon();
        newContainersWork(counter, next);
        assertRunning(peer, sleeper);
        assertReady(beside, unchanged);

        // They cannot go back: a daemon that has the v1 runtime would not see them.
        stopDaemon();
        Outcome refused = migrate("rollback");
        assertThat(refused.code()).isNotZero();
        assertThat(refused.err()).contains(counter, next, sleeper).doesNotContain(peer);
        startDaemon();
        newContainersWork(counter, next);
        cri.stop(counter, 20);
        assertThat(exited(counter).getExitCode()).isEqualTo(42);
        cri.remove(counter);
        cri.remove(next);
        cri.remove(beside);
        cri.remove(unchanged);

        // Without them it can.
        stopDaemon();
        migrate("rollback").ok();
        startDaemon(old);
        assertReady(web, host);
        assertRunning(counter(web, 2));
        removeAll(web, host);
    }

    /**
     * containerd 2.x does not know the type of a v1 handler's options, and its API does not change those of a record:
     * docs/migration.md. Without {@code verbose} all is said.
     */
    private void inspectSaysWhatItCan(String without, String with, String ours) {
        assertThat(cri.inspect(web)).contains(Product.LEGACY);
        assertThat(cri.inspect(without)).contains(Product.LEGACY);
        assertThat(cri.inspect(ours)).contains(Product.RUNTIME);
        String unknown = "type with url containerd.linux.runc.RuncOptions: not found";
        assertThatThrownBy(() -> cri.inspect(host)).hasMessageContaining(unknown);
        assertThatThrownBy(() -> cri.inspect(with)).hasMessageContaining(unknown);
        assertThat(cri.status(host).getRuntimeHandler()).isEqualTo(CriConfig.WITH_OPTIONS);
    }

    private void newContainersWork(String counter, String cat) {
        assertReady(web, host);
        assertRunning(counter, cat);
        web.log("counter", 1).assertCounts();
        assertThat(cri.execSync(counter, "/bin/echo", "in").getStdout().toStringUtf8())
                .isEqualTo("in\n");
        assertThat(cri.stats(counter).getMemory().getWorkingSetBytes().getValue())
                .isPositive();
        try (CriStream attached = cri.attach(cat, false)) {
            attached.ask("to the cat", "to the cat");
        }
    }

    @Test
    void thereAndBackAndForwardAgain() {
        String counter = counter(web, 0);
        String cat = container(host, Cri.container(host, "cat", 0, "/bin/cat").setStdin(true));
        upgrade();
        assertReady(web, host);
        assertRunning(counter, cat);

        stopDaemon();
        migrate("rollback").ok();
        startDaemon(old);

        assertReady(web, host);
        assertRunning(counter, cat);
        web.log("counter", 0).assertCounts();
        assertThat(cri.execSync(counter, "/bin/echo", "in").getStdout().toStringUtf8())
                .isEqualTo("in\n");
        String young = container(web, Cri.container(web, "young", 0, "/bin/sleep", "1000000"));

        upgrade();
        assertReady(web, host);
        assertRunning(counter, cat, young);
        web.log("counter", 0).assertCounts();
        assertThat(cri.execSync(young, "/bin/echo", "in").getStdout().toStringUtf8())
                .isEqualTo("in\n");
        cri.stop(counter, 20);
        assertThat(exited(counter).getExitCode()).isEqualTo(42);
        web.log("counter", 0).assertGapless();
        removeAll(web, host);
    }
}
