package dev.jshim.bridge.migrate;

import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.linux.Deadline;
import dev.jshim.linux.FileCalls;
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
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Questions and orders to the bridge, each over a connection of its own. Every failure is an IOException with one clear
 * line. A bridge is there as long as somebody holds its lock, which outlives no process, or its keeper lives, which
 * starts it again; whether it answers is another matter.
 *
 * @param timeout for each answer
 */
record BridgeClient(BridgePaths paths, Duration timeout) {
    /** An adoption asks the v1 shim three things, each of which may take 5 s. */
    private static final Duration ADOPTION = Duration.ofSeconds(20);

    /** A bridge sees a moment late, and on a busy machine some, that a containerd has ended. */
    private static final Duration CONNECTIONS_END = Duration.ofSeconds(5);

    /** After a crash. One that is about to end closes its socket first, and has its lock a moment longer. */
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private static final Duration LOOK = Duration.ofMillis(50);

    static TaskId task(Adopted adopted) {
        return new TaskId(adopted.getNamespace(), adopted.getId());
    }

    /**
     * What the bridge serves; null if there is none.
     *
     * @throws IOException if one is there and does not answer: its bundles must not vanish under it, and another one
     *     beside it would take its sockets
     */
    @Nullable
    ListResponse running() throws IOException {
        var deadline = Deadline.in(PATIENCE);
        while (true) {
            try {
                return list(Duration.ZERO);
            } catch (IOException e) {
                var keeper = KeeperState.living(paths.keeper());
                if (keeper == null && !isLocked()) {
                    return null;
                }
                if (deadline.isOver()) {
                    throw mute(
                            e,
                            keeper == null
                                    ? killIt()
                                    : "its keeper, pid " + keeper.keeper().pid() + ", starts it again if it dies");
                }
                Deadline.pause(LOOK);
            }
        }
    }

    /**
     * The same for who wants to end it: null also if it dies again and again, and none lives at this moment. Its keeper
     * is ended with all else that would become one.
     *
     * @throws IOException if one lives and does not answer
     */
    @Nullable
    ListResponse living() throws IOException {
        try {
            return list(PATIENCE);
        } catch (IOException e) {
            if (!Deadline.in(PATIENCE).await(LOOK, () -> !isLocked())) {
                throw mute(e, killIt());
            }
            return null;
        }
    }

    private boolean isLocked() throws IOException {
        return Files.isDirectory(paths.directory()) && FileCalls.isFlocked(paths.directory());
    }

    private String killIt() {
        return "kill the process that has locked " + paths.directory();
    }

    private IOException mute(IOException why, String what) {
        return new IOException(
                "the bridge does not answer (" + why.getMessage() + "); " + what + ": see " + paths.log()
                        + ", then retry",
                why);
    }

    /**
     * What it serves; null if none answers, for whatever reason. One that its keeper starts again is waited for as long
     * as for an answer; but if it dies again and again, so that the keeper waits, it is not.
     */
    @Nullable
    ListResponse ask() {
        var keeper = KeeperState.living(paths.keeper());
        try {
            return list(keeper != null && keeper.isWaiting() ? Duration.ZERO : timeout);
        } catch (IOException e) {
            return null;
        }
    }

    /** @param patience for one that its keeper is starting again */
    private ListResponse list(Duration patience) throws IOException {
        return order(
                "the bridge does not answer",
                patience,
                timeout,
                bridge -> bridge.list(ListRequest.getDefaultInstance()));
    }

    /** Makes it serve a container; answers where. */
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

    /** Whether a containerd, of whatever version, is connected for an adopted container, and stays so. */
    boolean isWatched() throws IOException {
        return !Deadline.in(CONNECTIONS_END)
                .await(
                        LOOK,
                        () -> list(PATIENCE).getAdoptedList().stream().allMatch(adopted -> adopted.getClients() == 0));
    }

    /** Has its keeper start that one in its place. Returns before it has. */
    void replace(List<String> command) throws IOException {
        var request = ReplaceRequest.newBuilder().addAllCommand(command).build();
        var _ = order("cannot replace the bridge", timeout, bridge -> bridge.replace(request));
    }

    void stop() throws IOException {
        var _ = order("the bridge does not stop", timeout, bridge -> bridge.stop(StopRequest.getDefaultInstance()));
    }

    /** @param failure what it means that it refuses, or does not answer */
    private <R> R order(String failure, Duration limit, Function<BridgeBlockingStub, R> order) throws IOException {
        return order(failure, PATIENCE, limit, order);
    }

    private <R> R order(String failure, Duration patience, Duration limit, Function<BridgeBlockingStub, R> order)
            throws IOException {
        try (var channel = connect(patience)) {
            return order.apply(
                    BridgeGrpc.newBlockingStub(channel).withDeadlineAfter(limit.toNanos(), TimeUnit.NANOSECONDS));
        } catch (StatusRuntimeException e) {
            throw failure(failure, e);
        }
    }

    private TtrpcChannel connect(Duration patience) throws IOException {
        var deadline = Deadline.in(patience);
        while (true) {
            try {
                return TtrpcChannel.connect(paths.control(), timeout);
            } catch (IOException e) {
                if (KeeperState.living(paths.keeper()) == null || deadline.isOver()) {
                    throw e;
                }
                Deadline.pause(LOOK);
            }
        }
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
}
