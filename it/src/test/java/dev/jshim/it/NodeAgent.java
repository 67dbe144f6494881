package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.proto.cri.Container;
import dev.jshim.proto.cri.ContainerConfig;
import dev.jshim.proto.cri.ContainerState;
import dev.jshim.proto.cri.LinuxContainerResources;
import dev.jshim.proto.cri.ReopenContainerLogRequest;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a kubelet of 1.31 or later does with what runs on its node, in its order (kubernetes, pkg/kubelet: kuberuntime,
 * prober, logs, nodeshutdown), by what its {@link NodeView} shows. It lists all each second, probes each second, and
 * starts again what has ended. What a kubelet does each ten seconds it does each second: status, statistics, file
 * systems, changed resources, rotated logs. So a minute is like ten.
 *
 * <p>It notes what a kubelet would act on. While containerd is {@link #away} it may have no answer, but no wrong one
 * either. Its methods are called by one thread.
 */
final class NodeAgent implements AutoCloseable {
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

    private static final long MIB = 1 << 20;
    private static final int CPU_PERIOD = 100_000;

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
    private final List<Kept> kept = new CopyOnWriteArrayList<>();
    private final Map<String, Pod> steady = new ConcurrentHashMap<>();
    private final Map<String, Pod> pods = new ConcurrentHashMap<>();
    /** Nothing is half done when containerd is stopped: no log that could not be opened again, no half container. */
    private final ReentrantLock acting = new ReentrantLock();

    private final NodeView view;
    private volatile boolean over;

    /** Begins. */
    NodeAgent(Cri cri) {
        view = new NodeView(cri);
        introduce();
        every(this::relistAndSync);
        every(this::housekeeping);
    }

    private void introduce() {
        int mine = view.connection();
        view.introduce(
                reason -> {
                    if (view.connection() == mine && !over) {
                        throw new AssertionError("the stream of events ended", reason);
                    }
                },
                this::checked);
    }

    private void every(Runnable round) {
        threads.add(Thread.ofPlatform().start(() -> {
            while (!over && failures.isEmpty()) {
                int before = view.connection();
                checked(() -> {
                    try {
                        round.run();
                    } catch (StatusRuntimeException e) {
                        if (view.hasStayed(before)) {
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

    /** Lets containerd go away and come back, or another one in its place. Returns what it was given. */
    Cri away(Supplier<Cri> restart) {
        acting.lock();
        try {
            view.leave();
            view.come(restart.get());
            introduce();
            return view.cri();
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
        Kept made = new Kept(pod, config, view.cri().start(pod, config.apply(0)));
        kept.add(made);
        every(() -> probe(made.id));
        return made.id;
    }

    private void probe(String id) {
        if (view.isEnding()) {
            return;
        }
        int before = view.connection();
        try {
            probes.measure(() -> assertThat(view.cri()
                            .execSync(10, id, "/bin/sh", "-c", "exit 0")
                            .getExitCode())
                    .isZero());
        } catch (StatusRuntimeException | AssertionError e) {
            Instant answered = Instant.now();
            if (view.hasStayed(before) && !view.isEnding() && (steady.containsKey(id) || runsOnAfter(id, answered))) {
                throw new AssertionError("a probe of " + id + ", which runs on: " + e.getMessage(), e);
            }
        }
    }

    /** Of a container that is ending a probe may have any answer, if it has one at all. */
    private boolean runsOnAfter(String id, Instant answered) {
        Instant latest = answered.plus(ENDING);
        return !Wait.within(LIMIT, () -> {
                    try {
                        return view.cri().status(id).getState() == ContainerState.CONTAINER_EXITED;
                    } catch (StatusRuntimeException e) {
                        return true; // It was removed, or containerd is away.
                    }
                })
                || finished(id).isAfter(latest);
    }

    private Instant finished(String id) {
        try {
            return Instant.EPOCH.plusNanos(view.cri().status(id).getFinishedAt());
        } catch (StatusRuntimeException e) {
            return Instant.EPOCH;
        }
    }

    private void relistAndSync() {
        view.relist();
        acting.lock();
        try {
            if (view.connection() % 2 == 0) {
                sync();
            }
        } finally {
            acting.unlock();
        }
        relists.incrementAndGet();
    }

    /** What has ended is started again, and of what was there before the last attempt alone is left. */
    private void sync() {
        for (Kept each : kept) {
            boolean ended = view.exits().stream().anyMatch(exit -> exit.id().equals(each.id));
            if (view.isEnding() || !ended) {
                continue;
            }
            if (each.due == 0) {
                each.due = System.nanoTime() + each.backOff.toNanos();
                Duration twice = each.backOff.multipliedBy(2);
                each.backOff = twice.compareTo(LAST_BACK_OFF) < 0 ? twice : LAST_BACK_OFF;
            } else if (System.nanoTime() > each.due) {
                String before = each.id;
                view.cri().awaitImage(Image.NAME);
                int next = each.attempt + 1;
                each.id = view.cri().start(each.pod, each.config.apply(next));
                each.attempt = next;
                each.due = 0;
                removeOlder(each, before);
            }
        }
    }

    private void removeOlder(Kept each, String last) {
        String uid = each.pod.config().getMetadata().getUid();
        String name = each.config.apply(0).getMetadata().getName();
        for (NodeView.Exit exit : view.exits()) {
            if (view.isListed(exit.id(), uid)
                    && exit.name().equals(name)
                    && !exit.id().equals(last)) {
                view.cri().remove(exit.id());
            }
        }
    }

    private void housekeeping() {
        int round = rounds.get();
        view.lookAround(round % 10 == 0, steady);
        for (String id : steady.keySet()) {
            if (!view.isEnding()) {
                rotate(id);
                update(id, round);
            }
        }
        rounds.incrementAndGet();
    }

    /** As logs/container_log_manager.go. */
    private void rotate(String id) {
        acting.lock();
        try {
            if (view.connection() % 2 == 0
                    && new CriLog(Path.of(view.cri().status(id).getLogPath())).rotate(LOG_BYTES)) {
                var _ = view.cri()
                        .call()
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
        view.cri().update(id, wanted);
        var got = view.cri().status(id).getResources().getLinux();
        assertThat(got.getCpuQuota()).isEqualTo(wanted.getCpuQuota());
        assertThat(got.getMemoryLimitInBytes()).isEqualTo(wanted.getMemoryLimitInBytes());
        view.cri().update(id, LinuxContainerResources.newBuilder().setCpusetCpus("0"));
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

    /** What a kubelet has learnt of its node. */
    NodeView view() {
        return view;
    }

    boolean hasFailed() {
        return !failures.isEmpty();
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
        view.end();
        for (List<Pod> group : groups) {
            Collection<String> running = containers(group);
            try (var all = Executors.newVirtualThreadPerTaskExecutor()) {
                List<Future<?>> stops = new ArrayList<>();
                running.forEach(id -> stops.add(all.submit(() -> view.cri().stop(id, seconds))));
                for (Future<?> stop : stops) {
                    Wait.until(LIMIT, "a container is stopped", stop::isDone);
                    assertThat(stop.state()).isEqualTo(Future.State.SUCCESS);
                }
            }
            group.forEach(view.cri()::stop);
        }
        awaitRounds(2);
        over = true;
        join();
        groups.forEach(group -> {
            containers(group).forEach(view.cri()::remove);
            group.forEach(view.cri()::remove);
        });
        assertFine();
    }

    private List<String> containers(List<Pod> group) {
        Set<String> ids = group.stream().map(Pod::id).collect(Collectors.toSet());
        return view.cri().containers().stream()
                .filter(container -> ids.contains(container.getPodSandboxId()))
                .map(Container::getId)
                .toList();
    }

    /** See {@link NodeView#assertTold}. */
    void assertTold() {
        view.assertTold(pods.keySet());
    }

    /** A sentence. */
    String summary() {
        return "%d lists, %d rounds, %d rotated logs, %d ends, probes: %s"
                .formatted(
                        relists.get(),
                        rounds.get(),
                        rotations.get(),
                        view.exits().size(),
                        probes.summary());
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
