package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.proto.cri.Container;
import dev.jshim.proto.cri.ContainerEventType;
import dev.jshim.proto.cri.ContainerState;
import dev.jshim.proto.cri.PodSandbox;
import dev.jshim.proto.cri.PodSandboxState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * As {@link BridgeTortureTest}, with pods: a kubelet, which lists all each second, looks at each and hears what CRI
 * tells, sees no pod that is not ready, no container that does not run, and nothing that was made again; its probes are
 * answered.
 */
@EnabledIfSystemProperty(named = "jshim.test.all", matches = "true", disabledReason = "takes ten minutes")
@ParameterizedClass(name = "from containerd {0}")
@MethodSource("oneRelease")
class PodTortureTest extends PodScenario {
    private static final int DEATHS = Integer.getInteger("jshim.torture.kills", 200);
    private static final long SEED = Long.getLong("jshim.torture.seed", 1);
    /** With two pods and the one that counts: 20 that are adopted. */
    private static final int SLEEPERS = 17;

    private static final int PROBES = 2;
    /** How often a kubelet lists (its generic PLEG). */
    private static final Duration RELIST = Duration.ofSeconds(1);

    private final CallTimes times = new CallTimes();
    private final ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
    private volatile boolean over;
    private final AtomicInteger lists = new AtomicInteger();

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
        NextFault fault = NextFault.of(node, "call-*:40:exhaust");
        Product.ctl(
                        node,
                        Map.of(
                                "JSHIM_JAVA_OPTS",
                                fault.option() + " -Djshim.exit.patience=6",
                                "JSHIM_KEEPER_SECOND",
                                KeptBridge.SECOND),
                        "--timeout",
                        "30s",
                        "migrate",
                        "apply",
                        "--yes")
                .ok();
        startDaemon(Release.V2);
        List<Thread> clients = new ArrayList<>();
        cri.hear(event -> {
            if (event.getContainerEventTypeValue() >= ContainerEventType.CONTAINER_STOPPED_EVENT_VALUE) {
                failures.add(new AssertionError(event.toString()));
            }
        });
        clients.add(Thread.ofPlatform().start(() -> untilOver(() -> relist(containers))));
        for (int i = 0; i < PROBES; i++) {
            Random random = new Random(SEED * 31 + i);
            clients.add(Thread.ofPlatform()
                    .start(() -> untilOver(() -> times.measure(() -> probe(containers, random)))));
        }

        KeptBridge bridge = new KeptBridge(node);
        Pauses pauses = new Pauses(bridge, bundle(containers.getLast()), failures::add);
        try (pauses) {
            bridge.disturb(DEATHS, new Random(SEED), fault, times, () -> !failures.isEmpty());
            bridge.dieOf(fault, times, () -> !failures.isEmpty());
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
        System.out.printf(
                "torture of pods: %d deaths of the bridge, %s; with a death: %s; %d lists%n",
                bridge.deaths(), times.summary(), pauses.summary(), lists.get());
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

    /** What differs makes a kubelet act: it would make a pod or a container again, with the next number of attempts. */
    private void relist(List<String> containers) {
        assertThat(cri.pods())
                .allMatch(pod -> pod.getState() == PodSandboxState.SANDBOX_READY)
                .allMatch(pod -> pod.getMetadata().getAttempt() == 0)
                .extracting(PodSandbox::getId)
                .containsExactlyInAnyOrder(web.id(), host.id());
        assertThat(cri.containers())
                .allMatch(container -> container.getState() == ContainerState.CONTAINER_RUNNING)
                .allMatch(container -> container.getMetadata().getAttempt() == 0)
                .extracting(Container::getId)
                .containsExactlyInAnyOrderElementsOf(containers);
        for (Pod pod : List.of(web, host)) {
            assertThat(isReady(pod)).as("%s is ready", pod.name()).isTrue();
        }
        for (String container : containers) {
            var status = cri.status(container);
            assertThat(status.getState()).as("%s", status).isEqualTo(ContainerState.CONTAINER_RUNNING);
        }
        lists.incrementAndGet();
        Wait.pause(RELIST);
    }

    private void probe(List<String> containers, Random random) {
        int code = random.nextInt(100);
        String container = containers.get(random.nextInt(containers.size()));
        assertThat(cri.execSync(container, "/bin/sh", "-c", "exit " + code).getExitCode())
                .isEqualTo(code);
    }
}
