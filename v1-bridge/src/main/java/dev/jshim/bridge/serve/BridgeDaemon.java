package dev.jshim.bridge.serve;

import dev.jshim.bridge.end.Cleanup;
import dev.jshim.bridge.exit.Containerd;
import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.bridge.record.PrivateSocket;
import dev.jshim.linux.Deadline;
import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.node.NodePaths;
import dev.jshim.shim.Housekeeping;
import dev.jshim.shim.event.TtrpcPublisher;
import dev.jshim.shim.keeper.FaultPoint;
import dev.jshim.shim.keeper.Held;
import dev.jshim.shim.keeper.Keeper;
import dev.jshim.task.ShimLog;
import dev.jshim.ttrpc.TtrpcServer;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The process around a {@link Bridge}: one for each containerd, by a lock; its files, its control socket, its end. What
 * it served goes on without it, and is served again by the next one.
 */
public final class BridgeDaemon implements AutoCloseable {
    /** For the answer to the order to stop. */
    private static final Duration LAST_ANSWER = Duration.ofSeconds(1);

    /** For events that are under way; with containerd away they are lost. */
    private static final Duration LAST_EVENTS = Duration.ofSeconds(2);

    /**
     * One that was killed has its lock until the kernel has taken its memory apart, which takes a tenth of a second.
     */
    private static final Duration PREDECESSOR_DIES = Duration.ofSeconds(2);

    private static final Duration QUICK_RETRY = Duration.ofMillis(20);
    /** For calls that are under way when this process is replaced; the next one answers those that take longer. */
    private static final Duration QUIET = Duration.ofSeconds(3);

    /** 128 and SIGTERM, as a JVM without hooks. */
    private static final int TERMINATED = 143;

    private final BridgeFlags flags;
    private final BridgePaths paths;
    private final Keeper keeper;
    private final Fd lock;
    private final Map<String, TtrpcPublisher> publishers = new ConcurrentHashMap<>();
    private final TaskDoors doors;
    private final Bridge bridge;
    private final LogDrain drain;
    private final TtrpcServer control;
    private boolean closed;

    private BridgeDaemon(BridgeFlags flags, BridgePaths paths, Keeper keeper, Fd lock) throws IOException {
        this.flags = flags;
        this.paths = paths;
        this.keeper = keeper;
        this.lock = lock;
        var timer = Bridge.timer();
        var log = new BridgeLog(paths.log());
        log.open();
        log.watch(timer);
        doors = new TaskDoors(paths, keeper, flags);
        bridge = new Bridge(paths, doors, new Containerd(flags.address()), this::publisher, timer);
        drain = new LogDrain(() -> bridge.list().stream()
                .map(container -> container.record().v1Work())
                .toList());
        control = TtrpcServer.builder()
                .addService(new BridgeControl(bridge, flags))
                .build();
    }

    private TtrpcPublisher publisher(String namespace) {
        return publishers.computeIfAbsent(namespace, _ -> new TtrpcPublisher(flags.ttrpcAddress(), namespace));
    }

    /** As {@link #start(BridgeFlags, Keeper)}, without a keeper. */
    public static BridgeDaemon start(BridgeFlags flags) throws IOException {
        return start(flags, Keeper.none());
    }

    /**
     * Begins to serve what was adopted, and to take orders.
     *
     * @param keeper what it held for the bridge before is taken from it
     * @throws IOException also where another bridge serves this containerd; the message says so
     */
    public static BridgeDaemon start(BridgeFlags flags, Keeper keeper) throws IOException {
        var paths = new BridgePaths(flags.paths());
        PrivateSocket.makeDirectory(paths.directory());
        Housekeeping.raiseOpenFiles();
        var held = keeper.takeAll();
        FaultPoint.at("bridge-begins");
        var lock = lockInTime(paths);
        try {
            var daemon = new BridgeDaemon(flags, paths, keeper, lock);
            daemon.serve(held);
            return daemon;
        } catch (IOException | RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    private static Fd lockInTime(BridgePaths paths) throws IOException {
        var deadline = Deadline.in(PREDECESSOR_DIES);
        var lock = FileCalls.lockDirectory(paths.directory());
        while (lock == null && !deadline.isOver()) {
            Deadline.pause(QUICK_RETRY);
            lock = FileCalls.lockDirectory(paths.directory());
        }
        if (lock == null) {
            throw new IOException("another bridge serves " + paths.node().state() + " already");
        }
        return lock;
    }

    private void serve(List<Held> held) throws IOException {
        doors.start(held);
        bridge.load();
        doors.complete();
        control.serve(PrivateSocket.listen(paths.control()));
        drain.start();
        ShimLog.info("serving", "adopted", bridge.list().size());
        doors.serving();
        if (keeper.restarts() > 0) {
            bridge.stopLaterIfIdle();
        }
    }

    /** Whether a bridge would have nothing to serve and nothing to clear away. */
    public static boolean isNothingLeft(NodePaths node) throws IOException {
        return Bridge.bundles(node).isEmpty()
                && Cleanup.noted(new BridgePaths(node)).isEmpty();
    }

    public Bridge bridge() {
        return bridge;
    }

    /**
     * Waits until it is told to end, and does so. If another bridge is to take its place, the keeper starts that, and
     * nobody who is connected notices: then it does not return.
     */
    public void run() throws InterruptedException {
        var next = bridge.await();
        if (!next.isEmpty()) {
            makeRoom(next);
        }
        close();
    }

    private void makeRoom(List<String> command) throws InterruptedException {
        ShimLog.info("making room", "adopted", bridge.list().size(), "for", command.getFirst());
        // Who has told us so gets his answer.
        var _ = control.shutdown(LAST_ANSWER);
        doors.quiet(QUIET);
        drainEvents();
        while (!keeper.next(command)) {
            // The keeper has died in this very moment: another one is being started.
            Thread.sleep(QUICK_RETRY);
        }
        Runtime.getRuntime().halt(0);
    }

    /**
     * In a hook of the JVM, as it ends by a signal: of one that has a keeper this is a death like any other. Whether it
     * is the end for those who are connected is the keeper's to say, who closes all or starts the next one.
     */
    public void signalled() {
        synchronized (this) {
            if (closed) {
                return;
            }
        }
        if (keeper.isThere()) {
            ShimLog.info("ended by a signal", "adopted", bridge.list().size());
            Runtime.getRuntime().halt(TERMINATED);
        }
        close();
    }

    private void drainEvents() {
        var deadline = Deadline.in(LAST_EVENTS);
        publishers.values().forEach(publisher -> publisher.drain(deadline.left()));
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
        var _ = control.shutdown(LAST_ANSWER);
        bridge.close();
        drainEvents();
        try {
            Files.deleteIfExists(paths.control());
        } catch (IOException e) {
            ShimLog.warn("could not remove a file", "error", e);
        }
        keeper.end();
        lock.close();
    }
}
