package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.proto.cri.CgroupDriver;
import dev.jshim.proto.cri.Container;
import dev.jshim.proto.cri.ContainerConfig;
import dev.jshim.proto.cri.ContainerEventResponse;
import dev.jshim.proto.cri.ContainerEventType;
import dev.jshim.proto.cri.ContainerFilter;
import dev.jshim.proto.cri.ContainerState;
import dev.jshim.proto.cri.ContainerStats;
import dev.jshim.proto.cri.ContainerStatus;
import dev.jshim.proto.cri.ImageFsInfoRequest;
import dev.jshim.proto.cri.LinuxContainerResources;
import dev.jshim.proto.cri.ListContainerStatsRequest;
import dev.jshim.proto.cri.ListContainersRequest;
import dev.jshim.proto.cri.ListImagesRequest;
import dev.jshim.proto.cri.ListMetricDescriptorsRequest;
import dev.jshim.proto.cri.ListPodSandboxMetricsRequest;
import dev.jshim.proto.cri.ListPodSandboxRequest;
import dev.jshim.proto.cri.ListPodSandboxStatsRequest;
import dev.jshim.proto.cri.PodSandbox;
import dev.jshim.proto.cri.PodSandboxFilter;
import dev.jshim.proto.cri.PodSandboxState;
import dev.jshim.proto.cri.PodSandboxStats;
import dev.jshim.proto.cri.ReopenContainerLogRequest;
import dev.jshim.proto.cri.RuntimeCondition;
import dev.jshim.proto.cri.RuntimeConfigRequest;
import dev.jshim.proto.cri.StatusRequest;
import dev.jshim.proto.cri.VersionRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a kubelet of 1.31 or later does over CRI with what runs on its node, in its order (kubernetes, pkg/kubelet:
 * pleg, kuberuntime, prober, logs, stats, nodeshutdown). It lists all each second and looks closer at pods that have
 * changed, hears events, probes each second, and starts again what has ended. What a kubelet does each ten seconds it
 * does each second: status, statistics, file systems, changed resources, rotated logs. So a minute is like ten.
 *
 * <p>It notes what a kubelet would act on. While containerd is {@link #away} it may have no answer, but no wrong one
 * either. Its methods are called by one thread.
 */
final class NodeAgent implements AutoCloseable {
    /**
     * CRI's code of what ended while containerd was away, or on its way: 1.7 and 2.x clean up a task that has no
     * processes when they start, and with it the code that its shim has (core/runtime/v2/shim_load.go). The bridge and
     * our shim save it, unless containerd was killed between deleting the task and writing down its exit.
     */
    static final int UNKNOWN = 255;

    private static final Duration PERIOD = Duration.ofSeconds(1);
    private static final Duration LIMIT = Duration.ofSeconds(60);
    /** A kubelet begins with ten seconds. */
    private static final Duration FIRST_BACK_OFF = Duration.ofSeconds(1);
    /** A kubelet goes to five minutes. */
    private static final Duration LAST_BACK_OFF = Duration.ofSeconds(8);
    /** A kubelet rotates at 10 MiB. */
    private static final long LOG_BYTES = 2048;

    /**
     * Between the end of a container's first process, of which its others die, and the moment in which its shim knows.
     */
    private static final Duration ENDING = Duration.ofSeconds(1);

    private static final int MOST_UNCOUNTED = 3;
    private static final long MIB = 1 << 20;
    private static final int CPU_PERIOD = 100_000;

    /**
     * An end of a container, as the relisting found it.
     *
     * @param name of the container in its pod
     * @param attempt its number
     * @param id of the container
     * @param code its exit code
     * @param witnessed whether it was seen running by the same connection before: then there must be an event of it
     */
    record Exit(String name, int attempt, String id, int code, boolean witnessed) {}

    /** What the last list said. */
    private record Seen(String uid, boolean running, int connection) {}

    /** A container that is started again whenever it ends. */
    private static final class Kept {
        final Pod pod;
        final IntFunction<ContainerConfig.Builder> config;
        volatile int attempt;
        volatile String id;
        Duration backOff = FIRST_BACK_OFF;
        long due;

        Kept(Pod pod, IntFunction<ContainerConfig.Builder> config, String id) {
            this.pod = pod;
            this.config = config;
            this.id = id;
        }
    }

    private final List<Thread> threads = new ArrayList<>();
    private final ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
    private final CallTimes probes = new CallTimes();
    private final AtomicInteger relists = new AtomicInteger();
    private final AtomicInteger rounds = new AtomicInteger();
    private final AtomicInteger rotations = new AtomicInteger();
    private final Set<String> unimplemented = new ConcurrentSkipListSet<>();
    /** By what has been listed: only the thread that lists uses it. */
    private final Map<String, Seen> known = new HashMap<>();

    private final List<Kept> kept = new CopyOnWriteArrayList<>();
    private final List<Exit> exits = new CopyOnWriteArrayList<>();
    /** What the stream of events said of ends: the code by the id, of pods' sandboxes no code. */
    private final Map<String, Integer> told = new ConcurrentHashMap<>();

    private final Map<String, Pod> steady = new ConcurrentHashMap<>();
    private final Map<String, Pod> pods = new ConcurrentHashMap<>();
    /** Nothing is half done when containerd is stopped: no log that could not be opened again, no half container. */
    private final ReentrantLock acting = new ReentrantLock();
    /** Odd while containerd is away. */
    private final AtomicInteger connections = new AtomicInteger();

    /** How many lists of statistics have failed in a row: only housekeeping uses it. */
    private int uncounted;

    private volatile Cri cri;
    private volatile boolean ending;
    private volatile boolean over;

    /** Begins. */
    NodeAgent(Cri cri) {
        this.cri = cri;
        introduce();
        every(this::relistAndSync);
        every(this::housekeeping);
    }

    /** A kubelet's first words to a containerd. */
    private void introduce() {
        assertThat(cri.call().version(VersionRequest.getDefaultInstance()).getRuntimeName())
                .isEqualTo("containerd");
        ifImplemented(
                "RuntimeConfig",
                () -> assertThat(cri.call()
                                .runtimeConfig(RuntimeConfigRequest.getDefaultInstance())
                                .getLinux()
                                .getCgroupDriver())
                        .isEqualTo(CgroupDriver.CGROUPFS));
        int mine = connections.get();
        cri.hear(
                event -> checked(() -> hear(event)),
                reason -> checked(() -> {
                    if (Status.fromThrowable(reason).getCode() == Status.Code.UNIMPLEMENTED) {
                        unimplemented.add("GetContainerEvents");
                    } else if (connections.get() == mine && !over) {
                        throw new AssertionError("the stream of events ended", reason);
                    }
                }));
    }

    private void every(Runnable round) {
        threads.add(Thread.ofPlatform().start(() -> {
            while (!over && failures.isEmpty()) {
                int before = connections.get();
                checked(() -> {
                    try {
                        round.run();
                    } catch (StatusRuntimeException e) {
                        if (before % 2 == 0 && before == connections.get()) {
                            throw e;
                        }
                    }
                });
                Wait.pause(PERIOD);
            }
        }));
    }

    private void checked(Runnable action) {
        try {
            action.run();
        } catch (RuntimeException | AssertionError e) {
            failures.add(e);
        }
    }

    private void ifImplemented(String name, Runnable call) {
        try {
            call.run();
        } catch (StatusRuntimeException e) {
            if (e.getStatus().getCode() != Status.Code.UNIMPLEMENTED) {
                throw e;
            }
            unimplemented.add(name);
        }
    }

    /** Lets containerd go away and come back, or another one in its place. Returns what it was given. */
    Cri away(Supplier<Cri> restart) {
        acting.lock();
        try {
            connections.incrementAndGet();
            unimplemented.clear();
            cri = restart.get();
            connections.incrementAndGet();
            introduce();
            return cri;
        } finally {
            acting.unlock();
        }
    }

    /** Sees to a pod. */
    void add(Pod pod) {
        pods.put(pod.id(), pod);
    }

    /** Probes a container that runs until the end, changes what it may use, and rotates its log. */
    void tend(Pod pod, String id) {
        steady.put(id, pod);
        every(() -> probe(id));
    }

    /**
     * Starts a container, probes it, and starts it again whenever it ends, after longer and longer pauses. Returns its
     * id now.
     */
    String keep(Pod pod, IntFunction<ContainerConfig.Builder> config) {
        Kept made = new Kept(pod, config, cri.start(pod, config.apply(0)));
        kept.add(made);
        every(() -> probe(made.id));
        return made.id;
    }

    private void probe(String id) {
        if (ending) {
            return;
        }
        int before = connections.get();
        try {
            probes.measure(() -> assertThat(
                            cri.execSync(10, id, "/bin/sh", "-c", "exit 0").getExitCode())
                    .isZero());
        } catch (StatusRuntimeException | AssertionError e) {
            Instant answered = Instant.now();
            boolean here = before % 2 == 0 && before == connections.get();
            if (here && !ending && (steady.containsKey(id) || runsOnAfter(id, answered))) {
                throw new AssertionError("a probe of " + id + ", which runs on: " + e.getMessage(), e);
            }
        }
    }

    /** Of a container that is ending a probe may have any answer, if it has one at all. */
    private boolean runsOnAfter(String id, Instant answered) {
        Instant latest = answered.plus(ENDING);
        return !Wait.within(LIMIT, () -> {
                    try {
                        return cri.status(id).getState() == ContainerState.CONTAINER_EXITED;
                    } catch (StatusRuntimeException e) {
                        return true; // It was removed, or containerd is away.
                    }
                })
                || finished(id).isAfter(latest);
    }

    private Instant finished(String id) {
        try {
            return Instant.EPOCH.plusNanos(cri.status(id).getFinishedAt());
        } catch (StatusRuntimeException e) {
            return Instant.EPOCH;
        }
    }

    private void relistAndSync() {
        relist();
        acting.lock();
        try {
            if (connections.get() % 2 == 0) {
                sync();
            }
        } finally {
            acting.unlock();
        }
        relists.incrementAndGet();
    }

    /** As pleg/generic.go: two lists; then the pods in which something has changed, one by one. */
    private void relist() {
        int mine = connections.get();
        Map<String, Seen> now = new HashMap<>();
        for (PodSandbox pod : cri.call()
                .listPodSandbox(ListPodSandboxRequest.getDefaultInstance())
                .getItemsList()) {
            boolean ready = pod.getState() == PodSandboxState.SANDBOX_READY;
            now.put(pod.getId(), new Seen(pod.getMetadata().getUid(), ready, mine));
        }
        for (Container container : cri.call()
                .listContainers(ListContainersRequest.getDefaultInstance())
                .getContainersList()) {
            assertThat(container.getState()).as("%s", container).isNotEqualTo(ContainerState.CONTAINER_UNKNOWN);
            boolean running = container.getState() == ContainerState.CONTAINER_RUNNING;
            now.put(container.getId(), new Seen(container.getLabelsOrThrow(Cri.UID), running, mine));
        }
        Set<String> changed = new TreeSet<>();
        now.forEach((id, seen) -> {
            Seen before = known.get(id);
            if (before == null || before.running() != seen.running()) {
                changed.add(seen.uid());
            }
        });
        known.forEach((id, before) -> {
            if (!now.containsKey(id)) {
                assertThat(before.running())
                        .as("%s was removed while it ran", id)
                        .isFalse();
            }
        });
        changed.forEach(uid -> inspect(uid, now));
        known.clear();
        known.putAll(now);
    }

    private void inspect(String uid, Map<String, Seen> now) {
        PodSandboxFilter mine =
                PodSandboxFilter.newBuilder().putLabelSelector(Cri.UID, uid).build();
        for (PodSandbox pod : cri.call()
                .listPodSandbox(
                        ListPodSandboxRequest.newBuilder().setFilter(mine).build())
                .getItemsList()) {
            var status = cri.status(new Pod(pod.getId(), dev.jshim.proto.cri.PodSandboxConfig.getDefaultInstance()));
            assertThat(status.getState() == PodSandboxState.SANDBOX_READY || ending)
                    .as("%s", status)
                    .isTrue();
            assertThat(status.getMetadata().getAttempt()).as("%s", status).isZero();
        }
        ContainerFilter theirs =
                ContainerFilter.newBuilder().putLabelSelector(Cri.UID, uid).build();
        for (Container container : cri.call()
                .listContainers(
                        ListContainersRequest.newBuilder().setFilter(theirs).build())
                .getContainersList()) {
            ContainerStatus status = cri.status(container.getId());
            Seen before = known.get(status.getId());
            Seen listed = now.get(status.getId());
            if (status.getState() == ContainerState.CONTAINER_EXITED
                    && listed != null
                    && !listed.running()
                    && (before == null || before.running())) {
                boolean witnessed = before != null && before.connection() == connections.get();
                assertThat(status.getFinishedAt()).as("%s", status).isGreaterThanOrEqualTo(status.getStartedAt());
                assertThat(status.getReason())
                        .as("%s", status)
                        .isIn("Error", status.getExitCode() == UNKNOWN && !witnessed ? "Unknown" : "Error");
                exits.add(new Exit(
                        status.getMetadata().getName(),
                        status.getMetadata().getAttempt(),
                        status.getId(),
                        status.getExitCode(),
                        witnessed));
            }
        }
    }

    /** What has ended is started again, and of what was there before the last attempt alone is left. */
    private void sync() {
        for (Kept each : kept) {
            boolean ended = exits.stream().anyMatch(exit -> exit.id().equals(each.id));
            if (ending || !ended) {
                continue;
            }
            if (each.due == 0) {
                each.due = System.nanoTime() + each.backOff.toNanos();
                Duration twice = each.backOff.multipliedBy(2);
                each.backOff = twice.compareTo(LAST_BACK_OFF) < 0 ? twice : LAST_BACK_OFF;
            } else if (System.nanoTime() > each.due) {
                String before = each.id;
                cri.awaitImage(Image.NAME);
                int next = each.attempt + 1;
                each.id = cri.start(each.pod, each.config.apply(next));
                each.attempt = next;
                each.due = 0;
                removeOlder(each, before);
            }
        }
    }

    private void removeOlder(Kept each, String last) {
        String uid = each.pod.config().getMetadata().getUid();
        String name = each.config.apply(0).getMetadata().getName();
        for (Exit exit : exits) {
            Seen seen = known.get(exit.id());
            if (seen != null
                    && seen.uid().equals(uid)
                    && exit.name().equals(name)
                    && !exit.id().equals(last)) {
                cri.remove(exit.id());
            }
        }
    }

    /** What comes by the stream of events has all that the pod's status is made of (pleg/evented.go). */
    private void hear(ContainerEventResponse event) {
        if (event.getContainerEventType() != ContainerEventType.CONTAINER_STOPPED_EVENT) {
            return;
        }
        assertThat(event.getPodSandboxStatus().getMetadata().getUid())
                .as("%s", event)
                .isNotEmpty();
        event.getContainersStatusesList().stream()
                .filter(status -> status.getId().equals(event.getContainerId()))
                .forEach(status -> told.put(status.getId(), status.getExitCode()));
        told.putIfAbsent(event.getContainerId(), -1);
    }

    private void housekeeping() {
        int round = rounds.get();
        status(round % 10 == 0);
        try {
            statistics();
            uncounted = 0;
        } catch (StatusRuntimeException e) {
            // A list of all can fail for one container that ends meanwhile; a kubelet asks again.
            uncounted++;
            if (uncounted > MOST_UNCOUNTED) {
                throw e;
            }
        }
        assertThat(cri.images()
                        .imageFsInfo(ImageFsInfoRequest.getDefaultInstance())
                        .getImageFilesystemsList())
                .isNotEmpty();
        assertThat(cri.images()
                        .listImages(ListImagesRequest.getDefaultInstance())
                        .getImagesList())
                .hasSizeGreaterThanOrEqualTo(2);
        for (String id : steady.keySet()) {
            if (!ending) {
                rotate(id);
                update(id, round);
            }
        }
        rounds.incrementAndGet();
    }

    private void status(boolean verbose) {
        var answer =
                cri.call().status(StatusRequest.newBuilder().setVerbose(verbose).build());
        assertThat(answer.getStatus().getConditionsList())
                .filteredOn(condition -> Set.of("RuntimeReady", "NetworkReady").contains(condition.getType()))
                .hasSize(2)
                .allMatch(RuntimeCondition::getStatus, "is so");
        assertThat(answer.getInfoMap().isEmpty()).isNotEqualTo(verbose);
    }

    private void statistics() {
        Map<String, Pod> before = Map.copyOf(steady);
        ifImplemented("ListContainerStats", () -> {
            Map<String, ContainerStats> stats =
                    cri
                            .call()
                            .listContainerStats(ListContainerStatsRequest.getDefaultInstance())
                            .getStatsList()
                            .stream()
                            .collect(Collectors.toMap(
                                    each -> each.getAttributes().getId(), each -> each));
            for (String id : before.keySet()) {
                assertCounted(id, stats.get(id));
            }
        });
        ifImplemented("ListPodSandboxStats", () -> {
            Map<String, PodSandboxStats> stats =
                    cri
                            .call()
                            .listPodSandboxStats(ListPodSandboxStatsRequest.getDefaultInstance())
                            .getStatsList()
                            .stream()
                            .collect(Collectors.toMap(
                                    each -> each.getAttributes().getId(), each -> each));
            for (Pod pod : before.values()) {
                PodSandboxStats its = stats.get(pod.id());
                if (!ending) {
                    assertThat(Objects.requireNonNull(its, pod.name())
                                    .getLinux()
                                    .getProcess()
                                    .getProcessCount()
                                    .getValue())
                            .isPositive();
                }
            }
        });
        ifImplemented("ListMetricDescriptors", () -> {
            var _ = cri.call().listMetricDescriptors(ListMetricDescriptorsRequest.getDefaultInstance());
        });
        ifImplemented("ListPodSandboxMetrics", () -> {
            var _ = cri.call().listPodSandboxMetrics(ListPodSandboxMetricsRequest.getDefaultInstance());
        });
    }

    private void assertCounted(String id, @Nullable ContainerStats stats) {
        if (ending) {
            return;
        }
        assertThat(stats).as("statistics of %s", id).isNotNull().satisfies(each -> {
            assertThat(each.getCpu().getUsageCoreNanoSeconds().getValue()).isPositive();
            assertThat(each.getMemory().getWorkingSetBytes().getValue()).isPositive();
            assertThat(each.getMemory().getUsageBytes().getValue()).isPositive();
            assertThat(each.getMemory().getRssBytes().getValue()).isPositive();
            assertThat(each.getMemory().getPageFaults().getValue()).isPositive();
        });
    }

    /** As logs/container_log_manager.go. */
    private void rotate(String id) {
        acting.lock();
        try {
            if (connections.get() % 2 == 0 && new CriLog(Path.of(cri.status(id).getLogPath())).rotate(LOG_BYTES)) {
                var _ = cri.call()
                        .reopenContainerLog(ReopenContainerLogRequest.newBuilder()
                                .setContainerId(id)
                                .build());
                rotations.incrementAndGet();
            }
        } finally {
            acting.unlock();
        }
    }

    /** As the CPU manager does it with processors, and a pod that is resized in place with the rest. */
    private void update(String id, int round) {
        var wanted = LinuxContainerResources.newBuilder()
                .setCpuPeriod(CPU_PERIOD)
                .setCpuQuota(CPU_PERIOD * (1L + round % 2))
                .setCpuShares(512L << round % 2)
                .setMemoryLimitInBytes((64 + 32 * (round % 2)) * MIB);
        cri.update(id, wanted);
        var got = cri.status(id).getResources().getLinux();
        assertThat(got.getCpuQuota()).isEqualTo(wanted.getCpuQuota());
        assertThat(got.getMemoryLimitInBytes()).isEqualTo(wanted.getMemoryLimitInBytes());
        cri.update(id, LinuxContainerResources.newBuilder().setCpusetCpus("0"));
    }

    /** Waits until all was listed and looked at so many times more. */
    void awaitRounds(int more) {
        int listed = relists.get() + more;
        int done = rounds.get() + more;
        Wait.until(
                LIMIT,
                "the node agent goes on",
                () -> hasFailed() || (relists.get() >= listed && rounds.get() >= done));
        assertFine();
    }

    /** Waits until each container that is kept has been started again so often, after so many of them as are now. */
    void awaitRestarts(int more) {
        List<Integer> before = kept.stream().map(each -> each.attempt).toList();
        Wait.until(
                LIMIT,
                "what ended is started again",
                () -> hasFailed()
                        || Stream.iterate(0, i -> i < before.size(), i -> i + 1)
                                .allMatch(i -> kept.get(i).attempt >= before.get(i) + more));
        assertFine();
    }

    /** Says that a kubelet has seen nothing that was not so. */
    void assertFine() {
        assertThat(failures).as("what a kubelet has seen").isEmpty();
    }

    boolean hasFailed() {
        return !failures.isEmpty();
    }

    /** Each end of a container that the lists have shown. */
    List<Exit> exits() {
        return List.copyOf(exits);
    }

    /** What this containerd has no answer for. */
    Set<String> unimplemented() {
        return Set.copyOf(unimplemented);
    }

    int rotations() {
        return rotations.get();
    }

    /** The attempts of those that are started again. */
    List<Integer> attempts() {
        return kept.stream().map(each -> each.attempt).toList();
    }

    /**
     * As a node that is shut down (nodeshutdown), in the order of the groups: all containers of a pod have so many
     * seconds to end, then the pod is stopped; in the end all is removed.
     */
    void shutDown(int seconds, List<List<Pod>> groups) {
        ending = true;
        for (List<Pod> group : groups) {
            Collection<String> running = containers(group);
            try (var all = Executors.newVirtualThreadPerTaskExecutor()) {
                List<Future<?>> stops = new ArrayList<>();
                running.forEach(id -> stops.add(all.submit(() -> cri.stop(id, seconds))));
                for (Future<?> stop : stops) {
                    Wait.until(LIMIT, "a container is stopped", stop::isDone);
                    assertThat(stop.state()).isEqualTo(Future.State.SUCCESS);
                }
            }
            group.forEach(cri::stop);
        }
        awaitRounds(2);
        over = true;
        join();
        groups.forEach(group -> {
            containers(group).forEach(cri::remove);
            group.forEach(cri::remove);
        });
        assertFine();
    }

    private List<String> containers(List<Pod> group) {
        Set<String> ids = group.stream().map(Pod::id).collect(Collectors.toSet());
        return cri.containers().stream()
                .filter(container -> ids.contains(container.getPodSandboxId()))
                .map(Container::getId)
                .toList();
    }

    /** Says that the events told of each end that could be heard, with its code, and of no other. */
    void assertTold() {
        Map<String, Integer> ended = new HashMap<>();
        exits.forEach(exit -> ended.put(exit.id(), exit.code()));
        told.forEach((id, code) -> {
            if (ended.containsKey(id)) {
                assertThat(code).as("%s, by its event", id).isEqualTo(ended.get(id));
            } else {
                assertThat(pods).as("%s, by its event", id).containsKey(id);
            }
        });
        assertThat(exits.stream().filter(Exit::witnessed).map(Exit::id))
                .allMatch(told::containsKey, "told by an event");
    }

    /** A sentence. */
    String summary() {
        return "%d lists, %d rounds, %d rotated logs, %d ends, probes: %s"
                .formatted(relists.get(), rounds.get(), rotations.get(), exits.size(), probes.summary());
    }

    private void join() {
        try {
            for (Thread thread : threads) {
                thread.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        over = true;
        join();
    }
}
