package dev.jshim.bridge;

import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import dev.jshim.shim.event.TtrpcPublisher;
import dev.jshim.shim.log.ShimLog;
import dev.jshim.ttrpc.TtrpcServer;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The process around a {@link Bridge}: one for each containerd, by a lock; its files, its control socket, its end.
 * SIGTERM ends it cleanly: what it served goes on without it, and is served again by the next one.
 */
final class BridgeDaemon implements AutoCloseable {
    /** How long an exit may take to come by way of the v1 shim's own {@code containerd publish}. */
    private static final Duration PATIENCE = Duration.ofSeconds(Long.getLong("jshim.exit.patience", 3));
    /** For the answer to the order to stop. */
    private static final Duration LAST_ANSWER = Duration.ofSeconds(1);

    private static final Duration PREDECESSOR_ENDS = Duration.ofSeconds(20);

    private static final long MAX_LOG = 8L << 20;

    private final BridgePaths paths;
    private final Bridge bridge;
    private final LogDrain drain;
    private @Nullable FileChannel lock;
    private @Nullable TtrpcServer control;
    private boolean closed;

    private BridgeDaemon(BridgeFlags flags, BridgePaths paths) {
        this.paths = paths;
        var timer = Bridge.timer();
        var ttrpc = new AtomicReference<>(flags.ttrpcAddress());
        var feed = new ExitFeed(flags.address(), ns -> new TtrpcPublisher(ttrpc::get, ns), timer, PATIENCE);
        bridge = new Bridge(paths, feed, ttrpc::set, timer);
        drain = new LogDrain(
                () -> bridge.list().stream()
                        .map(container -> container.record().v1Work())
                        .toList(),
                timer);
        feed.start();
    }

    /**
     * Begins to serve what was adopted, and to take orders.
     *
     * @throws IOException also where another bridge serves this containerd; the message says so
     */
    static BridgeDaemon start(BridgeFlags flags) throws IOException {
        var paths = new BridgePaths(flags.paths());
        PrivateSocket.makeDirectory(paths.directory());
        if (flags.takeOver()) {
            openLog(paths.log());
            return takeOver(flags, paths);
        }
        var lock = lock(paths);
        try {
            openLog(paths.log());
            var daemon = new BridgeDaemon(flags, paths);
            daemon.lock = lock;
            daemon.bridge.load();
            daemon.takeOrders();
            return daemon;
        } catch (IOException | RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    /** Takes the place of the bridge that runs. From the moment on that it serves there is no way back. */
    private static BridgeDaemon takeOver(BridgeFlags flags, BridgePaths paths) throws IOException {
        var daemon = new BridgeDaemon(flags, paths);
        try (var inheritance = Inheritance.claim(paths)) {
            daemon.bridge.inherit(inheritance);
            // Before the other one ends: systemd then looks here who is in its place.
            daemon.writePid();
            inheritance.serves();
        } catch (IOException | RuntimeException e) {
            daemon.bridge.drop();
            throw e;
        }
        daemon.lock = waitForLock(paths);
        daemon.takeOrders();
        return daemon;
    }

    private static FileChannel waitForLock(BridgePaths paths) throws IOException {
        var end = System.nanoTime() + PREDECESSOR_ENDS.toNanos();
        while (true) {
            try {
                return lock(paths);
            } catch (IOException e) {
                if (System.nanoTime() > end) {
                    throw e;
                }
            }
            try {
                Thread.sleep(20);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("interrupted", e);
            }
        }
    }

    private static FileChannel lock(BridgePaths paths) throws IOException {
        var channel = FileChannel.open(paths.lock(), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            if (channel.tryLock() != null) {
                return channel;
            }
        } catch (OverlappingFileLockException e) {
            // In this very JVM, as in tests.
        }
        channel.close();
        throw new IOException("another bridge serves " + paths.node().state() + " already");
    }

    private static void openLog(Path log) throws IOException {
        if (Files.exists(log) && Files.size(log) > MAX_LOG) {
            Files.move(log, log.resolveSibling("bridge.log.1"), StandardCopyOption.REPLACE_EXISTING);
        }
        var flags = OpenFlags.O_WRONLY | OpenFlags.O_APPEND | OpenFlags.O_CREAT | OpenFlags.O_CLOEXEC;
        try {
            ShimLog.open(FileCalls.open(log, flags, 0600), false);
        } catch (ErrnoException e) {
            throw new IOException("cannot write " + log + ": " + e.getMessage(), e);
        }
    }

    private void takeOrders() throws IOException {
        var server = TtrpcServer.builder()
                .addService(new BridgeControl(bridge, this::stayed))
                .build();
        server.serve(PrivateSocket.listen(paths.control()));
        control = server;
        writePid();
        drain.start();
        ShimLog.info("serving", "adopted", bridge.list().size());
    }

    private void writePid() throws IOException {
        var fresh = paths.pid().resolveSibling("bridge.pid.new");
        Files.writeString(fresh, Long.toString(ProcessHandle.current().pid()));
        Files.move(fresh, paths.pid(), StandardCopyOption.ATOMIC_MOVE);
    }

    private void stayed() {
        try {
            writePid();
        } catch (IOException e) {
            ShimLog.warn("could not write the pid", "error", e);
        }
    }

    Bridge bridge() {
        return bridge;
    }

    /** Waits until it is told to end. */
    void await() throws InterruptedException {
        bridge.await();
    }

    /** Ends it; bundles, shims and containers stay as they are. */
    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
        }
        ShimLog.info("ending", "adopted", bridge.list().size());
        drain.close();
        var server = control;
        if (server != null) {
            var _ = server.shutdown(LAST_ANSWER);
        }
        bridge.close();
        try {
            if (!bridge.isHandedOver()) {
                Files.deleteIfExists(paths.control());
                Files.deleteIfExists(paths.pid());
            }
            var held = lock;
            if (held != null) {
                held.close();
            }
        } catch (IOException e) {
            ShimLog.warn("could not remove a file", "error", e);
        }
    }
}
