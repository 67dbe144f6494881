package dev.jshim.bridge;

import dev.jshim.node.NodePaths;
import dev.jshim.shim.event.TtrpcPublisher;
import dev.jshim.shim.log.ShimLog;
import dev.jshim.ttrpc.TtrpcServer;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
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

    /** For events that are under way; with containerd away they are lost. */
    private static final Duration LAST_EVENTS = Duration.ofSeconds(2);

    private static final Duration HEARS = Duration.ofSeconds(5);

    /** How long a predecessor that was taken over from is waited for: who starts us waits 30 s, for all of it. */
    private static final Duration PREDECESSOR_ENDS = Duration.ofSeconds(5);

    /**
     * One that was killed has its lock until the kernel has taken its memory apart, which takes a tenth of a second.
     */
    private static final Duration PREDECESSOR_DIES = Duration.ofSeconds(2);

    private static final Duration QUICK_RETRY = Duration.ofMillis(20);
    private static final Duration RETRY = Duration.ofSeconds(1);

    private final BridgePaths paths;
    private final List<TtrpcPublisher> publishers = new CopyOnWriteArrayList<>();
    private final ExitFeed feed;
    private final Bridge bridge;
    private final LogDrain drain;
    private @Nullable FileChannel lock;
    private @Nullable TtrpcServer control;
    private boolean closed;

    private BridgeDaemon(BridgeFlags flags, BridgePaths paths, BridgeLog log) {
        this.paths = paths;
        var timer = Bridge.timer();
        log.watch(timer);
        var given = new Containerd(flags.address(), flags.ttrpcAddress());
        // One that is started by itself, or replaced, has no newer word of it than the bridge before had.
        var containerd = flags.again() || flags.takeOver() ? Containerd.noted(paths, given) : given;
        if (!flags.takeOver()) {
            // A predecessor has the last word until it has given up its place.
            containerd.note(paths);
        }
        var ttrpc = new AtomicReference<>(containerd.ttrpcAddress());
        feed = new ExitFeed(
                containerd.address(),
                ns -> publisher(ttrpc::get, ns),
                new HeardDaemon(paths.heard(), flags.takeOver()),
                timer,
                PATIENCE);
        feed.warm();
        bridge = new Bridge(paths, feed, ttrpc::set, timer);
        drain = new LogDrain(
                () -> bridge.list().stream()
                        .map(container -> container.record().v1Work())
                        .toList(),
                timer);
    }

    private TtrpcPublisher publisher(Supplier<Path> address, String namespace) {
        var publisher = new TtrpcPublisher(address, namespace);
        publishers.add(publisher);
        return publisher;
    }

    /**
     * Begins to serve what was adopted, and to take orders.
     *
     * @throws IOException also where another bridge serves this containerd; the message says so
     */
    static BridgeDaemon start(BridgeFlags flags) throws IOException {
        return start(flags, PREDECESSOR_ENDS);
    }

    /** @param predecessorEnds on a take-over, how long this waits to take orders; later it does so all the same */
    static BridgeDaemon start(BridgeFlags flags, Duration predecessorEnds) throws IOException {
        var paths = new BridgePaths(flags.paths());
        PrivateSocket.makeDirectory(paths.directory());
        var log = new BridgeLog(paths.log());
        if (flags.takeOver()) {
            log.open();
            return takeOver(flags, paths, log, predecessorEnds);
        }
        var lock = lockInTime(paths);
        try {
            log.open();
            var daemon = new BridgeDaemon(flags, paths, log);
            daemon.lock = lock;
            // Before it serves: whoever gets an answer may look next who gave it.
            daemon.writePid();
            daemon.bridge.load();
            // Only now: what has happened by then is known to be older than what containerd tells from then on.
            daemon.feed.start();
            // What a daemon of 1.x tells itself, as that memory was wanting, would be told here too until it is heard.
            daemon.hearFirst();
            daemon.takeOrders();
            return daemon;
        } catch (IOException | RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    /** Takes the place of the bridge that runs. From the moment on that it serves there is no way back. */
    private static BridgeDaemon takeOver(BridgeFlags flags, BridgePaths paths, BridgeLog log, Duration predecessorEnds)
            throws IOException {
        var daemon = new BridgeDaemon(flags, paths, log);
        daemon.feed.start();
        daemon.hearFirst();
        try (var inheritance = Inheritance.claim(paths)) {
            FaultPoint.at("take-over-claimed");
            // What the other one was told since we looked; from now on it takes no word of it any more.
            var last = Containerd.noted(paths, new Containerd(flags.address(), flags.ttrpcAddress()));
            daemon.bridge.follow(last.address(), last.ttrpcAddress());
            daemon.bridge.inherit(inheritance);
            // Before the other one ends: systemd then looks here who is in its place.
            daemon.writePid();
            inheritance.serves();
        } catch (IOException | RuntimeException e) {
            daemon.bridge.drop();
            throw e;
        }
        daemon.succeed(predecessorEnds);
        return daemon;
    }

    /**
     * Where one listens. On a take-over an exit that containerd tells of while neither bridge hears it would be told
     * again.
     */
    private void hearFirst() throws IOException {
        try {
            if (!feed.awaitListening(HEARS)) {
                ShimLog.info("going on without hearing containerd");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    /**
     * Takes the predecessor's lock and its control socket once it has ended. From now on nothing is a reason to end:
     * all is served here, and containerd would take each connection that is lost for an exit.
     */
    private void succeed(Duration predecessorEnds) {
        var end = System.nanoTime() + predecessorEnds.toNanos();
        while (!takesOrders()) {
            if (System.nanoTime() > end) {
                // Who started us waits for an answer, and takes us for dead without one.
                Thread.ofPlatform().name("lock").daemon().start(this::goOnTrying);
                return;
            }
            pause(QUICK_RETRY);
        }
    }

    private void goOnTrying() {
        ShimLog.warn("serving, and taking no orders yet", "lock", paths.lock(), "control", paths.control());
        while (!takesOrders()) {
            pause(RETRY);
        }
    }

    /** Whether it takes orders by now, or has ended. */
    private synchronized boolean takesOrders() {
        if (closed) {
            return true;
        }
        try {
            if (lock == null) {
                lock = tryLock(paths);
            }
            if (lock == null) {
                return false;
            }
            writePid();
            takeOrders();
            return true;
        } catch (IOException | RuntimeException e) {
            return false;
        }
    }

    private static void pause(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            throw new IllegalStateException("nobody interrupts it", e);
        }
    }

    private static FileChannel lockInTime(BridgePaths paths) throws IOException {
        var end = System.nanoTime() + PREDECESSOR_DIES.toNanos();
        var lock = tryLock(paths);
        while (lock == null && System.nanoTime() < end) {
            pause(QUICK_RETRY);
            lock = tryLock(paths);
        }
        if (lock == null) {
            throw new IOException("another bridge serves " + paths.node().state() + " already");
        }
        return lock;
    }

    private static @Nullable FileChannel tryLock(BridgePaths paths) throws IOException {
        var channel = FileChannel.open(paths.lock(), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            if (channel.tryLock() != null) {
                return channel;
            }
        } catch (OverlappingFileLockException e) {
            // In this very JVM, as in tests.
        }
        channel.close();
        return null;
    }

    private void takeOrders() throws IOException {
        if (control == null) {
            var listener = PrivateSocket.listen(paths.control());
            var server = TtrpcServer.builder()
                    .addService(new BridgeControl(bridge, this::stayed))
                    .build();
            server.serve(listener);
            control = server;
        }
        drain.start();
        ShimLog.info("serving", "adopted", bridge.list().size());
    }

    private void writePid() throws IOException {
        WholeFile.write(paths.pid(), Long.toString(ProcessHandle.current().pid()));
    }

    private void stayed() {
        try {
            writePid();
        } catch (IOException e) {
            ShimLog.warn("could not write the pid", "error", e);
        }
    }

    /** Whether a bridge would have nothing to serve and nothing to clear away. */
    static boolean isNothingLeft(NodePaths node) throws IOException {
        return Bridge.bundles(node).isEmpty()
                && Ending.all(new BridgePaths(node)).isEmpty();
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
        if (bridge.isHandedOver()) {
            // The successor takes no orders without it.
            unlock();
        }
        drain.close();
        var server = control;
        if (server != null) {
            var _ = server.shutdown(LAST_ANSWER);
        }
        bridge.close();
        var end = System.nanoTime() + LAST_EVENTS.toNanos();
        publishers.forEach(publisher -> publisher.drain(Duration.ofNanos(Math.max(1, end - System.nanoTime()))));
        try {
            if (!bridge.isHandedOver()) {
                Files.deleteIfExists(paths.control());
                Files.deleteIfExists(paths.pid());
            }
        } catch (IOException e) {
            ShimLog.warn("could not remove a file", "error", e);
        }
        unlock();
    }

    private void unlock() {
        var held = lock;
        if (held != null) {
            try {
                held.close();
            } catch (IOException e) {
                ShimLog.warn("could not let go of the lock", "error", e);
            }
        }
    }
}
