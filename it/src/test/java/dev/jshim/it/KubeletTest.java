package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.proto.cri.Container;
import dev.jshim.proto.cri.ContainerState;
import dev.jshim.proto.cri.PodSandbox;
import dev.jshim.proto.cri.PodSandboxState;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A real kubelet over an upgrade and many deaths of the bridge: it makes nothing again. No Debian package has one;
 * docs/scope.md says how one is built of Debian's source package.
 */
@EnabledIfSystemProperty(named = "jshim.kubelet", matches = "/.*", disabledReason = "no kubelet, see docs/scope.md")
@ParameterizedClass(name = "from containerd {0}")
@MethodSource("oneRelease")
class KubeletTest extends PodScenario {
    private static final int DEATHS = Integer.getInteger("jshim.torture.kills", 20);
    private static final Duration LIMIT = Duration.ofMinutes(3);

    KubeletTest(Release old) {
        super(old);
    }

    static Stream<Release> oneRelease() {
        return Stream.of(Release.V1_6);
    }

    @Override
    void makePods() {
        // The kubelet makes its own.
    }

    @Test
    void itMakesNothingAgain() throws IOException {
        CallTimes none = new CallTimes();
        try (Kubelet kubelet = Kubelet.start(Path.of(System.getProperty("jshim.kubelet")), node)) {
            kubelet.run("web", manifest());
            Wait.until(LIMIT, "the kubelet runs the pod", () -> !kubelet.isAlive() || isRunning(0));
            assertThat(kubelet.isAlive()).as(kubelet.log()).isTrue();
            String pod = cri.pods().getFirst().getId();
            String app = cri.containers().getFirst().getId();
            ProcessFacts init = remember("app", app);

            upgrade();
            String before = kubelet.log();
            KeptBridge bridge = new KeptBridge(node);
            bridge.disturb(DEATHS, new Random(1), NextFault.of(node, "none:0:halt"), none, () -> !isRunning(0));
            bridge.awaitServing();

            assertThat(cri.pods()).extracting(PodSandbox::getId).containsExactly(pod);
            assertThat(cri.containers()).extracting(Container::getId).containsExactly(app);
            assertThat(init.alive()).isTrue();
            String log = kubelet.log().substring(before.length());
            assertThat(kubelet.log()).doesNotContain("Killing container", "SandboxChanged", "Unhealthy");
            assertThat(log).doesNotContain("PLEG is not healthy");
            System.out.printf(
                    "kubelet: %d deaths of the bridge, %d probes without an answer in time%n",
                    bridge.deaths(),
                    log.lines()
                            .filter(line -> line.contains("robe errored") || line.contains("robe failed"))
                            .count());

            // What really ends it does make again.
            Signal.KILL.to(init.pid());
            Wait.until(LIMIT, "the kubelet makes the container again", () -> isRunning(1));
            kubelet.end("web");
            Wait.until(
                    LIMIT,
                    "the kubelet ends the pod",
                    () -> cri.pods().stream().noneMatch(each -> each.getState() == PodSandboxState.SANDBOX_READY));
        }
        for (PodSandbox pod : cri.pods()) {
            cri.remove(new Pod(pod.getId(), dev.jshim.proto.cri.PodSandboxConfig.getDefaultInstance()));
        }
    }

    private static String manifest() {
        return """
                apiVersion: v1
                kind: Pod
                metadata: {name: web, namespace: default}
                spec:
                  containers:
                  - name: app
                    image: %s
                    imagePullPolicy: Never
                    command: [/bin/sh, -c, "i=0; while :; do i=$((i+1)); echo $i; sleep 0.2; done"]
                    livenessProbe: &probe
                      exec: {command: [/bin/true]}
                      periodSeconds: 1
                      timeoutSeconds: 10
                    readinessProbe: *probe
                """.formatted(Image.NAME);
    }

    /** One container runs, of that attempt, and one pod is ready, of the first. */
    private boolean isRunning(int attempt) {
        List<Container> running = cri.containers().stream()
                .filter(each -> each.getState() == ContainerState.CONTAINER_RUNNING)
                .toList();
        List<PodSandbox> ready = cri.pods().stream()
                .filter(each -> each.getState() == PodSandboxState.SANDBOX_READY)
                .toList();
        return running.size() == 1
                && running.getFirst().getMetadata().getAttempt() == attempt
                && ready.size() == 1
                && ready.getFirst().getMetadata().getAttempt() == 0;
    }
}
