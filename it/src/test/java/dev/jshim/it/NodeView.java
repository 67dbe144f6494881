package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.proto.cri.CgroupDriver;
import dev.jshim.proto.cri.Container;
import dev.jshim.proto.cri.ContainerEventResponse;
import dev.jshim.proto.cri.ContainerEventType;
import dev.jshim.proto.cri.ContainerFilter;
import dev.jshim.proto.cri.ContainerState;
import dev.jshim.proto.cri.ContainerStats;
import dev.jshim.proto.cri.ContainerStatus;
import dev.jshim.proto.cri.ImageFsInfoRequest;
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
import dev.jshim.proto.cri.RuntimeCondition;
import dev.jshim.proto.cri.RuntimeConfigRequest;
import dev.jshim.proto.cri.StatusRequest;
import dev.jshim.proto.cri.VersionRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What a kubelet of 1.31 or later learns of its node over CRI (kubernetes, pkg/kubelet: pleg, stats): two lists each
 * second and a closer look at the pods that have changed, the stream of events, status, statistics, file systems. It
 * notes each end of a container, and fails at what a kubelet would act on though it is not so.
 *
 * <p>Lists and housekeeping are for one thread each; all else for any.
 */
final class NodeView {
    /**
     * CRI's code of what ended while containerd was away, or on its way: 1.7 and 2.x clean up a task that has no
     * processes when they start, and with it the code that its shim has (core/runtime/v2/shim_load.go). The bridge and
     * our shim save it, unless containerd was killed between deleting the task and writing down its exit.
     */
    static final int UNKNOWN = 255;

    private static final int MOST_UNCOUNTED = 3;

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

    private final Set<String> unimplemented = new ConcurrentSkipListSet<>();
    /** By what has been listed: only the thread that lists uses it. */
    private final Map<String, Seen> known = new HashMap<>();

    private final List<Exit> exits = new CopyOnWriteArrayList<>();
    /** What the stream of events said of ends: the code by the id, of pods' sandboxes no code. */
    private final Map<String, Integer> told = new ConcurrentHashMap<>();
    /** Odd while containerd is away. */
    private final AtomicInteger connections = new AtomicInteger();

    /** How many lists of statistics have failed in a row: only housekeeping uses it. */
    private int uncounted;

    private volatile Cri cri;
    private volatile boolean ending;

    NodeView(Cri cri) {
        this.cri = cri;
    }

    /** The containerd that answers, or answered last. */
    Cri cri() {
        return cri;
    }

    /** The number of the connection to it; odd while containerd is away. */
    int connection() {
        return connections.get();
    }

    /** Whether containerd was there all the time since that was the number. */
    boolean hasStayed(int connection) {
        return connection % 2 == 0 && connection == connections.get();
    }

    /** That containerd goes away. */
    void leave() {
        connections.incrementAndGet();
        unimplemented.clear();
    }

    /** That another one is there. */
    void come(Cri other) {
        cri = other;
        connections.incrementAndGet();
    }

    /** That pods are stopped from now on, and that this is no failure. */
    void end() {
        ending = true;
    }

    boolean isEnding() {
        return ending;
    }

    /**
     * A kubelet's first words to a containerd.
     *
     * @param lost gets what ends the stream of events
     * @param checked runs what may fail, in the thread of the stream
     */
    void introduce(Consumer<Throwable> lost, Consumer<Runnable> checked) {
        assertThat(cri.call().version(VersionRequest.getDefaultInstance()).getRuntimeName())
                .isEqualTo("containerd");
        ifImplemented(
                "RuntimeConfig",
                () -> assertThat(cri.call()
                                .runtimeConfig(RuntimeConfigRequest.getDefaultInstance())
                                .getLinux()
                                .getCgroupDriver())
                        .isEqualTo(CgroupDriver.CGROUPFS));
        cri.hear(
                event -> checked.accept(() -> hear(event)),
                reason -> checked.accept(() -> {
                    if (Status.fromThrowable(reason).getCode() == Status.Code.UNIMPLEMENTED) {
                        unimplemented.add("GetContainerEvents");
                    } else {
                        lost.accept(reason);
                    }
                }));
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

    /** As pleg/generic.go: two lists; then the pods in which something has changed, one by one. */
    void relist() {
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

    /** Whether the last list had a container of that pod. For the thread that lists. */
    boolean isListed(String id, String uid) {
        Seen seen = known.get(id);
        return seen != null && seen.uid().equals(uid);
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

    /**
     * Status, statistics, file systems and images.
     *
     * @param steady the pods of the containers that run until the end, by their ids
     */
    void lookAround(boolean verbose, Map<String, Pod> steady) {
        status(verbose);
        try {
            statistics(steady);
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

    private void statistics(Map<String, Pod> steady) {
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

    /** Each end of a container that the lists have shown. */
    List<Exit> exits() {
        return List.copyOf(exits);
    }

    /** What this containerd has no answer for. */
    Set<String> unimplemented() {
        return Set.copyOf(unimplemented);
    }

    /**
     * Says that the events told of each end that could be heard, with its code, and of no other.
     *
     * @param pods the ids of all of them
     */
    void assertTold(Collection<String> pods) {
        Map<String, Integer> ended = new HashMap<>();
        exits.forEach(exit -> ended.put(exit.id(), exit.code()));
        told.forEach((id, code) -> {
            if (ended.containsKey(id)) {
                assertThat(code).as("%s, by its event", id).isEqualTo(ended.get(id));
            } else {
                assertThat(pods).as("%s, by its event", id).contains(id);
            }
        });
        assertThat(exits.stream().filter(Exit::witnessed).map(Exit::id))
                .allMatch(told::containsKey, "told by an event");
    }
}
