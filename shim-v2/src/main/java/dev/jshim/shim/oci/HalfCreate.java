package dev.jshim.shim.oci;

import dev.jshim.linux.Fd;
import dev.jshim.shim.keeper.FaultPoint;
import dev.jshim.shim.stdio.ProcessIo;
import dev.jshim.task.CreateRequest;
import dev.jshim.task.ShimLog;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A container whose creation was cut off by the death of the process before this one: what there is of it is taken
 * away. Its streams stay open for a while: who creates it again opens them before that, and clients see no end. Thread-
 * safe.
 */
final class HalfCreate {
    private final Container container;
    private final CreateRequest request;
    private final List<RuntimeCalls.Call> calls;
    private final CompletableFuture<Void> undone = new CompletableFuture<>();
    private final CompletableFuture<Void> taken = new CompletableFuture<>();
    private Map<String, Fd> streams;

    HalfCreate(Container container, CreateRequest request, List<RuntimeCalls.Call> calls, Map<String, Fd> streams) {
        this.container = container;
        this.request = request;
        this.calls = calls;
        this.streams = streams;
    }

    /** Takes it away once the runtime's calls have ended. */
    void undo() {
        try {
            container.runc().await(calls);
            FaultPoint.at("task-undo");
            Files.deleteIfExists(container.pidFile(""));
            container.discard();
            FaultPoint.at("task-undone");
            if (!request.rootfs().isEmpty()) {
                container.rootfs().unmount();
            }
            container.notes().clear();
        } catch (IOException | RuntimeException e) {
            ShimLog.error("cannot remove a half-created container", "id", request.id(), "error", e);
        } finally {
            undone.complete(null);
        }
    }

    void awaitUndone() {
        undone.join();
    }

    /** Waits for {@link #takeStreams}; not longer than that. */
    void awaitTaken(Duration patience) {
        try {
            taken.get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException | ExecutionException e) {
            // Nobody creates it again.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** What is held of init's streams; the caller's from now on. */
    synchronized Map<String, Fd> takeStreams() {
        var all = streams;
        streams = Map.of();
        taken.complete(null);
        return all;
    }

    /** Closes the streams that nobody has taken. */
    void close() {
        var left = takeStreams();
        if (!left.isEmpty()) {
            ProcessIo.discard(container.streams("", false), left);
        }
    }
}
