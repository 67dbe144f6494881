package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.proto.cri.ContainerState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * As {@link BridgeTortureTest}, with pods: a kubelet, which looks all the time, sees none that is not ready, no
 * container that does not run, and makes none again; its probes are answered.
 */
@EnabledIfSystemProperty(named = "jshim.test.all", matches = "true", disabledReason = "takes ten minutes")
@ParameterizedClass(name = "from containerd {0}")
@MethodSource("oneRelease")
class PodTortureTest extends PodScenario {
    private static final int KILLS = Integer.getInteger("jshim.torture.kills", 200);
    private static final long SEED = Long.getLong("jshim.torture.seed", 1);
    /** With two pods and the one that counts: 20 that are adopted. */
    private static final int SLEEPERS = 17;

    private static final int PROBES = 2;

    private final CallTimes times = new CallTimes();
    private final ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
    private volatile boolean over;

    PodTortureTest(Release old) {
        super(old);
    }

    static Stream<Release> oneRelease() {
        return Stream.of(Release.V1_6);
    }

    @Test
    void aKubeletDoesNotNotice() throws InterruptedException {
        List<String> containers = new ArrayList<>();
        containers.add(counter(web, 0));
        for (int i = 0; i < SLEEPERS; i++) {
            Pod pod = i % 2 == 0 ? web : host;
            containers.add(container(pod, Cri.container(pod, "s" + i, 0, "/bin/sleep", "1000000")));
        }
        stopDaemon();
        Product.ctl(
                        node,
                        Map.of("JSHIM_JAVA_OPTS", "-Djshim.fault=call-*:40:exhaust -Djshim.exit.patience=6"),
                        "--timeout",
                        "30s",
                        "migrate",
                        "apply",
                        "--yes")
                .ok();
        startDaemon(Release.V2);
        List<Thread> clients = new ArrayList<>();
        clients.add(Thread.ofPlatform().start(() -> untilOver(() -> look(containers))));
        for (int i = 0; i < PROBES; i++) {
            Random random = new Random(SEED * 31 + i);
            clients.add(Thread.ofPlatform()
                    .start(() -> untilOver(() -> times.measure(() -> probe(containers, random)))));
        }

        KeptBridge bridge = new KeptBridge(node);
        Random random = new Random(SEED);
        for (int i = 0; i < KILLS && failures.isEmpty(); i++) {
            bridge.disturb(random);
        }

        over = true;
        for (Thread client : clients) {
            client.join();
        }
        assertThat(failures).as("what a kubelet has seen").isEmpty();
        bridge.awaitServing();
        assertReady(web, host);
        assertRunning(containers.toArray(String[]::new));
        web.log("counter", 0).assertCounts();
        assertThat(node.log()).content().doesNotContain("shim disconnected");
        System.out.printf("torture of pods: %d deaths of the bridge, %s%n", bridge.deaths(), times.summary());
        removeAll(web, host);
    }

    private void untilOver(Runnable action) {
        try {
            while (!over && failures.isEmpty()) {
                action.run();
            }
        } catch (RuntimeException | AssertionError e) {
            failures.add(e);
        }
    }

    private void look(List<String> containers) {
        for (Pod pod : List.of(web, host)) {
            assertThat(isReady(pod)).as("%s is ready", pod.name()).isTrue();
        }
        for (String container : containers) {
            var status = cri.status(container);
            assertThat(status.getState()).as("%s", status).isEqualTo(ContainerState.CONTAINER_RUNNING);
            assertThat(status.getMetadata().getAttempt()).isZero();
        }
        Wait.pause(Duration.ofMillis(100));
    }

    private void probe(List<String> containers, Random random) {
        int code = random.nextInt(100);
        String container = containers.get(random.nextInt(containers.size()));
        assertThat(cri.execSync(container, "/bin/sh", "-c", "exit " + code).getExitCode())
                .isEqualTo(code);
    }
}
