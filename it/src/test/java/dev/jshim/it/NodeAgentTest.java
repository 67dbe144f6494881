package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Message;
import dev.jshim.proto.cri.ContainerConfig;
import dev.jshim.proto.cri.NamespaceMode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A node as a newer kubelet has it, over the upgrade of its containerd: adopted pods, pods of our shim and pods of
 * containerd's own beside each other. The kubelet's words are those of {@link NodeAgent}; it sees no end that was none,
 * each that was with its code, and makes nothing again but what has ended.
 */
@ParameterizedClass(name = "from containerd {0}")
@MethodSource("oneRelease")
@SuppressWarnings("NullAway.Init") // Each test sets what it uses.
class NodeAgentTest extends PodScenario {
    /** As long as the agent goes on in {@code ./dev test --all}: its minute is like ten of a kubelet's. */
    private static final Duration LONG = Duration.ofMinutes(Integer.getInteger("jshim.agent.minutes", 6));

    private static final long SEED = Long.getLong("jshim.torture.seed", 1);
    private static final String ENDS = "ends-by-itself";

    private NodeAgent agent;
    private Pod ours;
    private Pod plain;
    private List<String> steady;

    NodeAgentTest(Release old) {
        super(old);
    }

    static Stream<Release> oneRelease() {
        return Stream.of(Release.V1_6);
    }

    @Override
    void prepare() {
        Criu.prefer(node);
        node.setVariable("TMPDIR", node.dir().toString()); // The daemon leaves its copy of a checkpoint there.
    }

    @Test
    void nothingIsMadeAgainButWhatHasEnded() throws IOException {
        upgradeUnderTheAgent();
        new KeptBridge(node).kill();
        killShim();
        agent.awaitRounds(2);
        restart(this::killDaemon);
        agent.awaitRestarts(1);
        assertCountedAlike();
        Wait.until("logs are rotated", () -> agent.rotations() > 0 || agent.hasFailed());
        shutDown();
    }

    /** An hour of a kubelet's in some minutes, in which everything of ours dies now and then, and containerd too. */
    @Test
    @LongRun
    void anHour() throws IOException {
        upgradeUnderTheAgent();
        Random random = new Random(SEED);
        long end = System.nanoTime() + LONG.toNanos();
        while (System.nanoTime() < end && !agent.hasFailed()) {
            Wait.pause(Duration.ofMillis(1000 + random.nextInt(4000)));
            switch (random.nextInt(8)) {
                case 0 -> restart(this::killDaemon);
                case 1 -> restart(this::stopDaemon);
                case 2, 3, 4 -> new KeptBridge(node).kill();
                default -> killShim();
            }
        }
        agent.assertFine();
        agent.awaitRestarts(1);
        shutDown();
    }

    /** containerd pauses the container meanwhile, so that a kubelet's probes are refused: whatever the shim. */
    @Test
    @LongRun
    void checkpoints() {
        Criu.demand();
        String adopted = container(host, patient(host, "adopted"));
        upgrade();
        ours = pod("ours", NamespaceMode.POD, CriConfig.OURS);
        plain = pod("plain", NamespaceMode.POD, "");
        String second = container(ours, patient(ours, "second"));
        String third = container(plain, patient(plain, "third"));

        for (String id : List.of(third, second, adopted)) {
            Path archive = node.dir().resolve(id + ".tar");
            cri.checkpoint(id, archive);
            assertThat(archive).isNotEmptyFile();
        }

        assertRunning(adopted, second, third);
        host.log("adopted", 0).assertCounts();
        ours.log("second", 0).assertCounts();
        plain.log("third", 0).assertCounts();
        removeAll(web, host, ours, plain);
    }

    private void upgradeUnderTheAgent() throws IOException {
        String counter = counter(web, 0);
        String late = container(web, waiting(web, "late", "exit 9"));
        String adopted = container(host, patient(host, "adopted"));
        agent = node.attach(new NodeAgent(cri));
        Stream.of(web, host).forEach(agent::add);
        agent.tend(web, counter);
        agent.tend(host, adopted);
        // Its first end comes after the upgrade: an old daemon that is stopped over an end leaves it half deleted.
        String first =
                agent.keep(host, attempt -> attempt == 0 ? waiting(host, ENDS, "exit 7") : ending(host, attempt));
        var _ = remember(ENDS, first);
        agent.awaitRounds(3);
        cri = agent.away(() -> {
            stopDaemon();
            migrate("apply").ok();
            goOn("late");
            startDaemon(Release.V2);
            return cri;
        });
        assertThat(exited(late).getExitCode()).isEqualTo(9);
        assertRunning(first);
        goOn(ENDS);

        ours = pod("ours", NamespaceMode.POD, CriConfig.OURS);
        plain = pod("plain", NamespaceMode.POD, "");
        Stream.of(ours, plain).forEach(agent::add);
        String second = container(ours, patient(ours, "second"));
        String third = container(plain, patient(plain, "third"));
        agent.tend(ours, second);
        agent.tend(plain, third);
        var _ = agent.keep(ours, attempt -> ending(ours, attempt));
        var _ = agent.keep(plain, attempt -> ending(plain, attempt));
        steady = List.of(counter, adopted, second, third);
        agent.awaitRestarts(1);
        agent.awaitRounds(2);
        assertThat(agent.view().unimplemented())
                .isSubsetOf("ListMetricDescriptors", "ListPodSandboxMetrics"); // of 2.1.9
    }

    /** What is counted of a container, and of its pod, does not depend on whose shim runs it. */
    private void assertCountedAlike() {
        Wait.until("statistics are the same", () -> {
            Set<String> wanted = fields(cri.stats(steady.getLast()));
            return steady.stream().allMatch(id -> fields(cri.stats(id)).equals(wanted))
                    && fields(cri.stats(ours)).equals(fields(cri.stats(plain)));
        });
        assertThat(fields(cri.stats(plain))).contains("linux.cpu.usage_core_nano_seconds.value");
    }

    /** The names of all that says something; but for major page faults, which a container may have or not. */
    private static Set<String> fields(Message message) {
        Set<String> names = new TreeSet<>();
        message.getAllFields().forEach((field, value) -> {
            List<?> values = value instanceof List<?> list ? list : List.of(value);
            for (Object each : values) {
                if (each instanceof Message inner) {
                    fields(inner).forEach(name -> names.add(field.getName() + "." + name));
                } else {
                    names.add(field.getName());
                }
            }
        });
        names.removeIf(name -> name.contains("major_page_faults"));
        return names;
    }

    /** Says 43 if it may end, and speaks all the time. */
    private static ContainerConfig.Builder patient(Pod pod, String name) {
        return Cri.container(
                pod,
                name,
                0,
                "/bin/sh",
                "-c",
                "trap 'exit 43' TERM; i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done");
    }

    private static ContainerConfig.Builder ending(Pod pod, int attempt) {
        return Cri.container(pod, ENDS, attempt, "/bin/sh", "-c", "trap 'exit 44' TERM; sleep 3 & wait; exit 7");
    }

    private void goOn(String name) {
        try {
            go(name);
            Wait.until("end of a container", () -> !init(name).alive());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void killShim() throws IOException {
        long keeper = Long.parseLong(
                Files.readString(bundle(ours.id()).resolve("shim.pid")).strip());
        long jvm = Shims.jvm(keeper);
        if (jvm > 0) {
            Signal.KILL.to(jvm);
        }
    }

    private void restart(Runnable end) {
        cri = agent.away(() -> {
            end.run();
            startDaemon();
            return cri;
        });
    }

    private void shutDown() {
        assertReady(web, host, ours, plain);
        assertRunning(steady.toArray(String[]::new));
        assertThat(steady).allMatch(id -> cri.status(id).getMetadata().getAttempt() == 0);
        agent.shutDown(5, List.of(List.of(ours, plain), List.of(host), List.of(web)));

        web.log("counter", 0).assertGapless();
        host.log("adopted", 0).assertGapless();
        ours.log("second", 0).assertGapless();
        plain.log("third", 0).assertGapless();
        agent.assertTold();
        assertThat(agent.view().exits())
                .allSatisfy(exit -> assertThat(exit.code())
                        .as("%s", exit)
                        .isIn(
                                switch (exit.name()) {
                                    case "counter" -> List.of(42);
                                    case "late" -> List.of(9);
                                    case ENDS -> exit.witnessed() ? List.of(7, 44) : List.of(7, 44, NodeView.UNKNOWN);
                                    default -> List.of(43);
                                }));
        int restarts = agent.attempts().stream().mapToInt(Integer::intValue).sum();
        assertThat(agent.view().exits())
                .hasSize(steady.size() + 1 + restarts + agent.attempts().size());
        System.out.println("node agent: " + agent.summary() + "; attempts " + agent.attempts());
        removeAll();
    }
}
