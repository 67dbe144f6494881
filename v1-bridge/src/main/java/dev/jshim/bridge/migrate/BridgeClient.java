package dev.jshim.bridge.migrate;

import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.linux.Deadline;
import dev.jshim.node.shim.KeeperState;
import dev.jshim.proto.v2.bridge.AdoptRequest;
import dev.jshim.proto.v2.bridge.Adopted;
import dev.jshim.proto.v2.bridge.BridgeGrpc;
import dev.jshim.proto.v2.bridge.BridgeGrpc.BridgeBlockingStub;
import dev.jshim.proto.v2.bridge.ListRequest;
import dev.jshim.proto.v2.bridge.ListResponse;
import dev.jshim.proto.v2.bridge.ReleaseRequest;
import dev.jshim.proto.v2.bridge.ReplaceRequest;
import dev.jshim.proto.v2.bridge.StopRequest;
import dev.jshim.proto.v2.task2.ConnectRequest;
import dev.jshim.proto.v2.task2.PidsRequest;
import dev.jshim.proto.v2.task2.TaskGrpc;
import dev.jshim.task.TaskId;
import dev.jshim.ttrpc.TtrpcChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Orders to a running bridge. Every failure is an IOException with one clear line. */
final class BridgeClient implements AutoCloseable {
    /** An adoption asks the v1 shim three things, each of which may take 5 s. */
    private static final Duration ADOPTION = Duration.ofSeconds(20);

    /** A bridge sees a moment late, and on a busy machine some, that a containerd has ended. */
    private static final Duration CONNECTIONS_END = Duration.ofSeconds(5);

    /** After a crash. */
    private static final Duration STARTS_AGAIN = Duration.ofSeconds(10);

    private static final Duration LOOK = Duration.ofMillis(50);

    private final TtrpcChannel channel;
    private final Duration timeout;

    private BridgeClient(TtrpcChannel channel, Duration timeout) {
        this.channel = channel;
        this.timeout = timeout;
    }

    /**
     * Connects to the bridge that runs. One that is being started again by its keeper is waited for.
     *
     * @param timeout for each order
     */
    static BridgeClient connect(BridgePaths paths, Duration timeout) throws IOException {
        var deadline = Deadline.in(STARTS_AGAIN);
        while (true) {
            try {
                return new BridgeClient(TtrpcChannel.connect(paths.control(), timeout), timeout);
            } catch (IOException e) {
                if (KeeperState.living(paths.keeper()) == null || deadline.isOver()) {
                    throw e;
                }
                Deadline.pause(LOOK);
            }
        }
    }

    /**
     * What the bridge that runs serves; null if none runs. That somebody listens does not say so: one that was killed
     * takes connections for a moment longer, while the kernel takes its memory apart. Then its keeper's next one is
     * asked.
     *
     * @throws IOException if one runs, or comes back, that does not answer
     */
    static @Nullable ListResponse running(BridgePaths paths, Duration timeout) throws IOException {
        for (var isFirst = true; ; isFirst = false) {
            BridgeClient bridge;
            try {
                bridge = connect(paths, timeout);
            } catch (IOException e) {
                BridgeProcess.refuseKept(paths, e);
                return null;
            }
            try (bridge) {
                return bridge.list();
            } catch (IOException e) {
                if (!isFirst || KeeperState.living(paths.keeper()) == null) {
                    BridgeProcess.refuseAlive(paths, e);
                    return null;
                }
            }
        }
    }

    /** What a bridge serves; null if none answers, for whatever reason. */
    static @Nullable ListResponse ask(BridgePaths paths, Duration timeout) {
        try (var bridge = connect(paths, timeout)) {
            return bridge.list();
        } catch (IOException e) {
            return null;
        }
    }

    static TaskId task(Adopted adopted) {
        return new TaskId(adopted.getNamespace(), adopted.getId());
    }

    /**
     * Gives an order.
     *
     * @param failure what it means that the bridge refuses, or does not answer
     */
    private <R> R order(String failure, Duration deadline, Function<BridgeBlockingStub, R> order) throws IOException {
        try {
            return order.apply(
                    BridgeGrpc.newBlockingStub(channel).withDeadlineAfter(deadline.toNanos(), TimeUnit.NANOSECONDS));
        } catch (StatusRuntimeException e) {
            throw failure(failure, e);
        }
    }

    /** Makes the bridge serve a container; answers where. */
    Path adopt(AdoptedRecord record) throws IOException {
        var request = AdoptRequest.newBuilder().setRecord(record.text()).build();
        return Path.of(order("cannot hand it to the bridge", ADOPTION, bridge -> bridge.adopt(request))
                .getSocket());
    }

    void release(TaskId task) throws IOException {
        var request = ReleaseRequest.newBuilder()
                .setNamespace(task.namespace())
                .setId(task.id())
                .build();
        var _ = order("cannot release it from the bridge", timeout, bridge -> bridge.release(request));
    }

    ListResponse list() throws IOException {
        return order("the bridge does not answer", timeout, bridge -> bridge.list(ListRequest.getDefaultInstance()));
    }

    /** Whether a containerd, of whatever version, is connected for an adopted container, and stays so. */
    boolean isWatched() throws IOException {
        return !Deadline.in(CONNECTIONS_END)
                .await(LOOK, () -> list().getAdoptedList().stream().allMatch(adopted -> adopted.getClients() == 0));
    }

    /** Has the bridge's keeper start that one in the bridge's place. Returns before it has. */
    void replace(List<String> command) throws IOException {
        var request = ReplaceRequest.newBuilder().addAllCommand(command).build();
        try {
            var _ = order("cannot replace the bridge", timeout, bridge -> bridge.replace(request));
        } catch (IOException e) {
            if (e.getCause() instanceof StatusRuntimeException said
                    && said.getStatus().getCode() == Status.Code.UNIMPLEMENTED) {
                throw new IOException(
                        "the running bridge is of a version that cannot be replaced while it runs: stop containerd,"
                                + " then run \"jshimctl bridge stop\" and \"jshimctl bridge start\"",
                        said);
            }
            throw e;
        }
    }

    void stop() throws IOException {
        var _ = order("the bridge does not stop", timeout, bridge -> bridge.stop(StopRequest.getDefaultInstance()));
    }

    /** Asks what containerd asks when it loads a bundle: without these two answers it deletes it. */
    static void verify(Path socket, AdoptedRecord record, Duration timeout) throws IOException {
        try (var channel = TtrpcChannel.connect(socket, timeout)) {
            var task = TaskGrpc.newBlockingStub(channel).withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS);
            var pid = task.connect(
                            ConnectRequest.newBuilder().setId(record.id()).build())
                    .getTaskPid();
            if (pid != record.init().pid()) {
                throw new IOException("through the bridge its pid is " + pid + ", not "
                        + record.init().pid());
            }
            var pids = task.pids(PidsRequest.newBuilder().setId(record.id()).build());
            if (pids.getProcessesCount() == 0) {
                throw new IOException("through the bridge it has no processes");
            }
        } catch (StatusRuntimeException e) {
            throw failure("its task does not answer through the bridge", e);
        }
    }

    private static IOException failure(String what, StatusRuntimeException e) {
        var description = e.getStatus().getDescription();
        var why = description == null ? e.getStatus().getCode().name() : description;
        return new IOException(what + ": " + why, e);
    }

    @Override
    public void close() {
        channel.close();
    }
}
