package dev.jshim.it;

import dev.jshim.node.socket.UnixGrpc;
import dev.jshim.proto.cri.AttachRequest;
import dev.jshim.proto.cri.CheckpointContainerRequest;
import dev.jshim.proto.cri.Container;
import dev.jshim.proto.cri.ContainerConfig;
import dev.jshim.proto.cri.ContainerEventResponse;
import dev.jshim.proto.cri.ContainerMetadata;
import dev.jshim.proto.cri.ContainerStats;
import dev.jshim.proto.cri.ContainerStatsRequest;
import dev.jshim.proto.cri.ContainerStatus;
import dev.jshim.proto.cri.ContainerStatusRequest;
import dev.jshim.proto.cri.CreateContainerRequest;
import dev.jshim.proto.cri.ExecRequest;
import dev.jshim.proto.cri.ExecSyncRequest;
import dev.jshim.proto.cri.ExecSyncResponse;
import dev.jshim.proto.cri.GetEventsRequest;
import dev.jshim.proto.cri.ImageServiceGrpc;
import dev.jshim.proto.cri.ImageServiceGrpc.ImageServiceBlockingStub;
import dev.jshim.proto.cri.ImageSpec;
import dev.jshim.proto.cri.ImageStatusRequest;
import dev.jshim.proto.cri.LinuxContainerConfig;
import dev.jshim.proto.cri.LinuxContainerResources;
import dev.jshim.proto.cri.LinuxContainerSecurityContext;
import dev.jshim.proto.cri.LinuxPodSandboxConfig;
import dev.jshim.proto.cri.LinuxSandboxSecurityContext;
import dev.jshim.proto.cri.ListContainersRequest;
import dev.jshim.proto.cri.ListPodSandboxRequest;
import dev.jshim.proto.cri.NamespaceMode;
import dev.jshim.proto.cri.NamespaceOption;
import dev.jshim.proto.cri.PodSandbox;
import dev.jshim.proto.cri.PodSandboxConfig;
import dev.jshim.proto.cri.PodSandboxMetadata;
import dev.jshim.proto.cri.PodSandboxStats;
import dev.jshim.proto.cri.PodSandboxStatsRequest;
import dev.jshim.proto.cri.PodSandboxStatus;
import dev.jshim.proto.cri.PodSandboxStatusRequest;
import dev.jshim.proto.cri.RemoveContainerRequest;
import dev.jshim.proto.cri.RemovePodSandboxRequest;
import dev.jshim.proto.cri.RunPodSandboxRequest;
import dev.jshim.proto.cri.RuntimeCondition;
import dev.jshim.proto.cri.RuntimeServiceGrpc;
import dev.jshim.proto.cri.RuntimeServiceGrpc.RuntimeServiceBlockingStub;
import dev.jshim.proto.cri.StartContainerRequest;
import dev.jshim.proto.cri.StatusRequest;
import dev.jshim.proto.cri.StopContainerRequest;
import dev.jshim.proto.cri.StopPodSandboxRequest;
import dev.jshim.proto.cri.UpdateContainerResourcesRequest;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** What a kubelet says to the containerd that runs now; another one needs another client. */
final class Cri implements AutoCloseable {
    private static final long SECONDS = 60;
    private static final Duration LIMIT = Duration.ofSeconds(SECONDS);
    /** The label by which a kubelet finds what belongs to a pod. */
    static final String UID = "io.kubernetes.pod.uid";

    private static final Set<String> READINESS = Set.of("RuntimeReady", "NetworkReady");

    private final PrivateContainerd node;
    private final ManagedChannel channel;

    Cri(PrivateContainerd node) {
        this.node = node;
        channel = UnixGrpc.open(node.socket());
    }

    /** For one call, with a limit. */
    RuntimeServiceBlockingStub call() {
        return RuntimeServiceGrpc.newBlockingStub(channel).withDeadlineAfter(SECONDS, TimeUnit.SECONDS);
    }

    /** The same, of images. */
    ImageServiceBlockingStub images() {
        return ImageServiceGrpc.newBlockingStub(channel).withDeadlineAfter(SECONDS, TimeUnit.SECONDS);
    }

    /** Waits until the runtime and its network are ready: a kubelet begins nothing before. */
    void awaitReady() {
        Wait.until(LIMIT, "CRI is ready", this::isReady);
    }

    private boolean isReady() {
        try {
            return call().status(StatusRequest.getDefaultInstance()).getStatus().getConditionsList().stream()
                    .filter(condition -> READINESS.contains(condition.getType()))
                    .allMatch(RuntimeCondition::getStatus);
        } catch (StatusRuntimeException e) {
            // So it says until it has looked at what there is: 2.x with the first code, 1.x with the second.
            var description = String.valueOf(e.getStatus().getDescription());
            if (e.getStatus().getCode() != Status.Code.UNAVAILABLE && !description.contains("not initialized yet")) {
                throw e;
            }
            return false;
        }
    }

    /** Waits until an image that was imported has come to CRI's ears. */
    void awaitImage(String name) {
        var request = ImageStatusRequest.newBuilder()
                .setImage(ImageSpec.newBuilder().setImage(name))
                .build();
        Wait.until(
                LIMIT, "CRI knows " + name, () -> images().imageStatus(request).hasImage());
    }

    /** Runs a pod's sandbox, by a runtime handler; the empty name is the default one's. */
    Pod runPod(String name, NamespaceMode network, String handler) {
        // Where the network is the host's, the containers see each other's processes: init is no pid 1 then.
        var pids = network == NamespaceMode.NODE ? NamespaceMode.POD : NamespaceMode.CONTAINER;
        var namespaces = NamespaceOption.newBuilder().setNetwork(network).setPid(pids);
        return runPod(name, LinuxSandboxSecurityContext.newBuilder().setNamespaceOptions(namespaces), handler);
    }

    /** The same with a security context of one's own. */
    Pod runPod(String name, LinuxSandboxSecurityContext.Builder security, String handler) {
        String uid = UUID.randomUUID().toString();
        var config = PodSandboxConfig.newBuilder()
                .setMetadata(PodSandboxMetadata.newBuilder()
                        .setName(name)
                        .setNamespace("default")
                        .setUid(uid))
                .putLabels(UID, uid)
                .setLogDirectory(node.dir().resolve("logs").resolve(name).toString())
                .setLinux(LinuxPodSandboxConfig.newBuilder()
                        .setCgroupParent("/" + node.namespace() + "-" + name)
                        .setSecurityContext(security))
                .build();
        var request = RunPodSandboxRequest.newBuilder()
                .setConfig(config)
                .setRuntimeHandler(handler)
                .build();
        return new Pod(call().runPodSandbox(request).getPodSandboxId(), config);
    }

    /** A container that runs a command of busybox, with a log; more can be said of it. */
    static ContainerConfig.Builder container(Pod pod, String name, int attempt, String... argv) {
        return ContainerConfig.newBuilder()
                .setMetadata(ContainerMetadata.newBuilder().setName(name).setAttempt(attempt))
                .setImage(ImageSpec.newBuilder().setImage(Image.NAME))
                .addAllCommand(List.of(argv))
                .putLabels(UID, pod.config().getMetadata().getUid())
                .setLogPath(Pod.logPath(name, attempt))
                .setLinux(LinuxContainerConfig.newBuilder()
                        .setSecurityContext(LinuxContainerSecurityContext.newBuilder()
                                .setNamespaceOptions(pod.config()
                                        .getLinux()
                                        .getSecurityContext()
                                        .getNamespaceOptions())));
    }

    /** Creates a container, and starts it. Returns its id. */
    String start(Pod pod, ContainerConfig.Builder config) {
        var request = CreateContainerRequest.newBuilder()
                .setPodSandboxId(pod.id())
                .setConfig(config)
                .setSandboxConfig(pod.config())
                .build();
        String id = call().createContainer(request).getContainerId();
        call().startContainer(
                        StartContainerRequest.newBuilder().setContainerId(id).build());
        return id;
    }

    PodSandboxStatus status(Pod pod) {
        var request =
                PodSandboxStatusRequest.newBuilder().setPodSandboxId(pod.id()).build();
        return call().podSandboxStatus(request).getStatus();
    }

    ContainerStatus status(String container) {
        var request =
                ContainerStatusRequest.newBuilder().setContainerId(container).build();
        return call().containerStatus(request).getStatus();
    }

    /** What {@code crictl inspectp} asks for, as JSON; a kubelet never does. */
    String inspect(Pod pod) {
        var request = PodSandboxStatusRequest.newBuilder()
                .setPodSandboxId(pod.id())
                .setVerbose(true)
                .build();
        return call().podSandboxStatus(request).getInfoOrThrow("info");
    }

    /** What {@code crictl inspect} asks for, likewise. */
    String inspect(String container) {
        var request = ContainerStatusRequest.newBuilder()
                .setContainerId(container)
                .setVerbose(true)
                .build();
        return call().containerStatus(request).getInfoOrThrow("info");
    }

    /** All pods that there are, as a kubelet lists them each second. */
    List<PodSandbox> pods() {
        return call().listPodSandbox(ListPodSandboxRequest.getDefaultInstance()).getItemsList();
    }

    /** All containers that there are, likewise. */
    List<Container> containers() {
        return call().listContainers(ListContainersRequest.getDefaultInstance()).getContainersList();
    }

    /** Hears what CRI tells of containers from now on, until this is closed, or the daemon ends. */
    void hear(Consumer<ContainerEventResponse> each) {
        hear(each, _ -> {});
    }

    /**
     * The same.
     *
     * @param failed is called if nothing more will be heard, with the reason
     */
    void hear(Consumer<ContainerEventResponse> each, Consumer<Throwable> failed) {
        RuntimeServiceGrpc.newStub(channel)
                .getContainerEvents(GetEventsRequest.getDefaultInstance(), new StreamObserver<>() {
                    @Override
                    public void onNext(ContainerEventResponse event) {
                        each.accept(event);
                    }

                    @Override
                    public void onError(Throwable thrown) {
                        failed.accept(thrown);
                    }

                    @Override
                    public void onCompleted() {
                        // Likewise.
                    }
                });
    }

    /** Runs a command in a container to its end. */
    ExecSyncResponse execSync(String container, String... argv) {
        return execSync(SECONDS, container, argv);
    }

    /** The same, with a limit in seconds, after which containerd kills it. */
    ExecSyncResponse execSync(long seconds, String container, String... argv) {
        var request = ExecSyncRequest.newBuilder()
                .setContainerId(container)
                .addAllCmd(List.of(argv))
                .setTimeout(seconds)
                .build();
        return call().execSync(request);
    }

    /** Runs a command in a container, with all of its streams. */
    CriStream exec(String container, boolean tty, String... argv) {
        var request = ExecRequest.newBuilder()
                .setContainerId(container)
                .addAllCmd(List.of(argv))
                .setTty(tty)
                .setStdin(true)
                .setStdout(true)
                .setStderr(!tty)
                .build();
        return node.attach(new CriStream(call().exec(request).getUrl()));
    }

    /** Attaches to a container, with all of its streams. */
    CriStream attach(String container, boolean tty) {
        var request = AttachRequest.newBuilder()
                .setContainerId(container)
                .setTty(tty)
                .setStdin(true)
                .setStdout(true)
                .setStderr(!tty)
                .build();
        return node.attach(new CriStream(call().attach(request).getUrl()));
    }

    ContainerStats stats(String container) {
        var request =
                ContainerStatsRequest.newBuilder().setContainerId(container).build();
        return call().containerStats(request).getStats();
    }

    PodSandboxStats stats(Pod pod) {
        var request =
                PodSandboxStatsRequest.newBuilder().setPodSandboxId(pod.id()).build();
        return call().podSandboxStats(request).getStats();
    }

    void update(String container, LinuxContainerResources.Builder resources) {
        var request = UpdateContainerResourcesRequest.newBuilder()
                .setContainerId(container)
                .setLinux(resources)
                .build();
        var _ = call().updateContainerResources(request);
    }

    /** Writes a checkpoint of a container, which runs on, into an archive. */
    void checkpoint(String container, Path archive) {
        var request = CheckpointContainerRequest.newBuilder()
                .setContainerId(container)
                .setLocation(archive.toString())
                .setTimeout(SECONDS)
                .build();
        var _ = call().checkpointContainer(request);
    }

    /** Stops a container: SIGTERM, and SIGKILL after some seconds. */
    void stop(String container, long seconds) {
        var request = StopContainerRequest.newBuilder()
                .setContainerId(container)
                .setTimeout(seconds)
                .build();
        var _ = call().stopContainer(request);
    }

    void remove(String container) {
        var request =
                RemoveContainerRequest.newBuilder().setContainerId(container).build();
        var _ = call().removeContainer(request);
    }

    /** Stops a pod and all that runs in it, and removes both, as a kubelet does with a pod that was deleted. */
    void remove(Pod pod) {
        stop(pod);
        var _ = call().removePodSandbox(RemovePodSandboxRequest.newBuilder()
                .setPodSandboxId(pod.id())
                .build());
    }

    /** Stops a pod and all that runs in it; its network goes. */
    void stop(Pod pod) {
        var _ = call().stopPodSandbox(StopPodSandboxRequest.newBuilder()
                .setPodSandboxId(pod.id())
                .build());
    }

    /** What a container may use. */
    static LinuxContainerResources.Builder memory(long bytes) {
        return LinuxContainerResources.newBuilder().setMemoryLimitInBytes(bytes);
    }

    /** The folder of a container's cgroup in the first version's memory hierarchy. */
    static Path memoryCgroup(Pod pod, String container) {
        return Path.of("/sys/fs/cgroup/memory" + pod.config().getLinux().getCgroupParent(), container);
    }

    @Override
    public void close() {
        channel.shutdownNow();
    }
}
