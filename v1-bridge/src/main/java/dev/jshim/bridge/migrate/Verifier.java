package dev.jshim.bridge.migrate;

import dev.jshim.bridge.AddedBundle;
import dev.jshim.bridge.LegacyRecord;
import dev.jshim.node.Node;
import dev.jshim.node.NodePaths;
import dev.jshim.node.ShimSocket;
import dev.jshim.node.V2Bundle;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Asks each adopted bundle, all at once, what containerd asks when it starts and without whose answers it deletes the
 * bundle (containerd v2.1.4, core/runtime/v2/shim_load.go: Connect, then Pids). Changes nothing.
 */
final class Verifier {
    /** Between two tries of a socket that refuses: the bridge may be on its way up. */
    private static final Duration AGAIN = Duration.ofMillis(100);

    private final NodePaths paths;
    private final Duration timeout;

    /**
     * A verifier.
     *
     * @param timeout for all bundles together
     */
    Verifier(NodePaths paths, Duration timeout) {
        this.paths = paths;
        this.timeout = timeout;
    }

    BridgeVerification verify() {
        var began = System.nanoTime();
        var deadline = began + timeout.toNanos();
        var bundles = Node.read(paths).v2().stream()
                .filter(bundle -> AddedBundle.isOurs(bundle.path()))
                .toList();
        List<FutureTask<VerificationRow>> asked = new ArrayList<>();
        for (var bundle : bundles) {
            var task = new FutureTask<>(() -> ask(bundle, began, deadline));
            asked.add(task);
            Thread.ofVirtual().name("verify-" + bundle.task()).start(task);
        }
        List<VerificationRow> rows = new ArrayList<>();
        for (var i = 0; i < asked.size(); i++) {
            rows.add(answer(bundles.get(i), asked.get(i), deadline));
        }
        return new BridgeVerification(Duration.ofNanos(System.nanoTime() - began), rows);
    }

    private VerificationRow answer(V2Bundle bundle, FutureTask<VerificationRow> asked, long deadline) {
        try {
            return asked.get(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            return row(bundle, 0, "no answer within " + timeout.toMillis() + " ms");
        } catch (ExecutionException e) {
            return row(bundle, 0, String.valueOf(e.getCause()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return row(bundle, 0, "interrupted");
        }
    }

    private VerificationRow ask(V2Bundle bundle, long began, long deadline) throws InterruptedException {
        while (true) {
            try {
                var record = LegacyRecord.read(bundle.path());
                var left = Duration.ofNanos(Math.max(1, deadline - System.nanoTime()));
                BridgeClient.verify(socket(bundle), record, left);
                return row(bundle, TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began), "");
            } catch (IOException e) {
                if (System.nanoTime() + AGAIN.toNanos() >= deadline) {
                    return row(bundle, 0, String.valueOf(e.getMessage()));
                }
            }
            Thread.sleep(AGAIN);
        }
    }

    private static Path socket(V2Bundle bundle) throws IOException {
        return switch (bundle.socket()) {
            case ShimSocket.Named(var path) -> path;
            case null, default -> throw new IOException(bundle.path() + " names no socket");
        };
    }

    private static VerificationRow row(V2Bundle bundle, long millis, String reason) {
        return new VerificationRow(bundle.task().namespace(), bundle.task().id(), millis, reason);
    }
}
