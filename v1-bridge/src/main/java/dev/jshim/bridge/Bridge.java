package dev.jshim.bridge;

import dev.jshim.node.NodePaths;
import dev.jshim.node.TaskId;
import dev.jshim.proto.v2.events.TaskExit;
import dev.jshim.shim.cgroup.OomWatch;
import dev.jshim.shim.log.ShimLog;
import dev.jshim.shim.task.ShimException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Serves all adopted v1 shims of one containerd. What it serves after a start is what the bundles on disk say: each one
 * that an adoption added holds its own record. Thread-safe.
 */
final class Bridge implements AutoCloseable {
    /** After the last container's end: for a bundle that another adoption is about to add. */
    private static final Duration GRACE = Duration.ofSeconds(10);

    /** How long a start waits for the v1 shims; those that are mute are served all the same. */
    private static final Duration ATTACHED = Duration.ofSeconds(1);

    private static final String ENDING = "this bridge is about to end; try again";

    private final BridgePaths paths;
    private final TaskDoors doors;
    private final ExitFeed feed;
    private final Consumer<Path> moved;
    private final ScheduledExecutorService timer;
    private final Map<TaskId, AdoptedContainer> adopted = new ConcurrentHashMap<>();
    private final OomWatch oomWatch = new OomWatch();
    /** Held to read by who adds or removes a container, to write by who ends the bridge. */
    private final ReentrantReadWriteLock changes = new ReentrantReadWriteLock();

    /** How many of what was begun to be deleted is still being cleared away. */
    private final AtomicInteger finishing = new AtomicInteger();

    /** What is to run in this process's place; null where nothing is. */
    private volatile @Nullable List<String> next;

    private volatile boolean stopping;
    private final CountDownLatch done = new CountDownLatch(1);

    /**
     * A bridge that serves nobody yet.
     *
     * @param moved told where containerd takes events from now on
     */
    Bridge(BridgePaths paths, TaskDoors doors, ExitFeed feed, Consumer<Path> moved, ScheduledExecutorService timer) {
        this.paths = paths;
        this.doors = doors;
        this.feed = feed;
        this.moved = moved;
        this.timer = timer;
        feed.trust(Witness::new);
    }

    /** The timer that all parts of a bridge share: one thread, which never blocks. */
    static ScheduledExecutorService timer() {
        return Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().name("timer").daemon().factory());
    }

    /**
     * Serves what was adopted before, whatever state it is in: a shim that is mute or dead today does not make its
     * bundle unserved, for containerd would then delete it.
     */
    void load() throws IOException {
        finishEndings();
        List<Thread> attaching = new ArrayList<>();
        for (var bundle : bundles(paths.node())) {
            var container = load(bundle);
            if (container != null) {
                attaching.add(
                        Thread.ofVirtual().name("attach-" + container.id()).start(container::attach));
            }
        }
        joinAll(attaching);
    }

    /** Null where it cannot be served, which is no reason to serve no other: without us containerd deletes them all. */
    private @Nullable AdoptedContainer load(Path bundle) {
        AdoptedContainer container = null;
        try {
            container = prepare(LegacyRecord.read(bundle));
            adopted.put(container.id(), container);
            container.serve();
            return container;
        } catch (IOException | RuntimeException e) {
            ShimLog.error("an adopted bundle cannot be served", "bundle", bundle, "error", e);
            if (container != null) {
                adopted.remove(container.id(), container);
                container.close();
            }
            return null;
        }
    }

    /** Goes on where the bridge before died while it cleared something away. */
    private void finishEndings() throws IOException {
        List<Thread> all = new ArrayList<>();
        var endings = Ending.all(paths);
        finishing.set(endings.size());
        for (var ending : endings) {
            all.add(Thread.ofVirtual().name("end-" + ending.record().id()).start(() -> {
                try {
                    finish(ending);
                } finally {
                    if (finishing.decrementAndGet() == 0) {
                        stopLaterIfIdle();
                    }
                }
            }));
        }
        // What takes longer goes on meanwhile: a v1 shim may take its time to delete.
        joinAll(all);
    }

    /** Waits a moment for all of them together: until this bridge serves, a containerd that starts deletes bundles. */
    private static void joinAll(List<Thread> threads) {
        var end = System.nanoTime() + ATTACHED.toNanos();
        for (var thread : threads) {
            try {
                var _ = thread.join(Duration.ofNanos(Math.max(1, end - System.nanoTime())));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Ends the bridge in a while, if nothing is adopted then. */
    void stopLaterIfIdle() {
        var _ = timer.schedule(this::stopIfIdle, GRACE.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void finish(Ending ending) {
        switch (DeletionCheck.of(ending.record())) {
            case PRESENT -> ending.forget();
            case UNKNOWN ->
                ShimLog.warn(
                        "its deletion was begun, and its v1 shim does not answer",
                        "ns",
                        ending.record().namespace(),
                        "id",
                        ending.record().id());
            case STOPPED -> {
                try {
                    end(ending.deleteNow());
                } catch (ShimException e) {
                    // The note stays for the next bridge, and the container is served where it still has a bundle.
                    ShimLog.warn(
                            "its deletion was begun, and its v1 shim does not go on with it",
                            "ns",
                            ending.record().namespace(),
                            "id",
                            ending.record().id(),
                            "error",
                            e.getMessage());
                }
            }
            case DELETED -> end(ending);
        }
    }

    /** Clears away what was deleted. */
    private void end(Ending ending) {
        try {
            if (ending.hasBundle(paths.node())) {
                // It is served once more, for a containerd that still asks, and ended then.
                ending.answer(paths.node());
                endServed(ending.record());
                return;
            }
        } catch (IOException e) {
            ShimLog.warn("could not leave an exit", "id", ending.record().id(), "error", e);
        }
        new EndOfLife(ending.record()).finish();
        ending.forget();
    }

    /** Where a v1 shim took its time to delete, a container is served that has found no exit in its bundle. */
    private void endServed(LegacyRecord record) {
        var container = adopted.get(record.task());
        if (container != null && container.record().init().equals(record.init())) {
            container.deletedBefore();
        }
    }

    /** The bundles that adoptions added. */
    static List<Path> bundles(NodePaths paths) throws IOException {
        List<Path> ours = new ArrayList<>();
        if (!Files.isDirectory(paths.v2State())) {
            return ours;
        }
        try (var namespaces = Files.newDirectoryStream(paths.v2State(), Files::isDirectory)) {
            for (var namespace : namespaces) {
                try (var bundles = Files.newDirectoryStream(namespace, Bridge::isAdopted)) {
                    bundles.forEach(ours::add);
                }
            }
        }
        return ours;
    }

    private static boolean isAdopted(Path bundle) {
        return !bundle.getFileName().toString().startsWith(".") && AddedBundle.isOurs(bundle);
    }

    /**
     * Serves a container from now on; again is no error. Blocks until its v1 shim has answered.
     *
     * @return the socket
     * @throws ShimException where its shim does not answer: nothing is served then; ALREADY_EXISTS where the id is
     *     served for another process
     */
    Path adopt(LegacyRecord record) {
        return changing(() -> adoptNow(record));
    }

    /** Adds or removes a container: not while the bridge ends. */
    private <T> T changing(Supplier<T> change) {
        changes.readLock().lock();
        try {
            requireGoingOn();
            return change.get();
        } finally {
            changes.readLock().unlock();
        }
    }

    private void requireGoingOn() {
        if (stopping) {
            throw new ShimException(ShimException.Kind.UNAVAILABLE, ENDING);
        }
    }

    private Path adoptNow(LegacyRecord record) {
        var fresh = prepare(record);
        var before = adopted.putIfAbsent(fresh.id(), fresh);
        if (before != null) {
            if (!before.record().init().equals(record.init())) {
                throw ShimException.alreadyExists("another container of the id " + fresh.id() + " is served");
            }
            before.ledger().bundleIsThere();
            return before.socket();
        }
        try {
            fresh.probe();
            fresh.attach();
            fresh.serve();
        } catch (IOException | RuntimeException e) {
            adopted.remove(fresh.id(), fresh);
            fresh.close();
            throw e instanceof ShimException shim
                    ? shim
                    : new ShimException(ShimException.Kind.INTERNAL, "cannot serve " + fresh.id() + ": " + e, e);
        }
        ShimLog.info(
                "adopted",
                "ns",
                record.namespace(),
                "id",
                record.id(),
                "pid",
                record.init().pid());
        return fresh.socket();
    }

    private AdoptedContainer prepare(LegacyRecord record) {
        return new AdoptedContainer(record, paths, doors, feed.sink(record.namespace()), oomWatch, timer, this::ended);
    }

    /** What the containers of a namespace know of their exits. */
    private final class Witness implements ExitWitness {
        private final String namespace;

        Witness(String namespace) {
            this.namespace = namespace;
        }

        private @Nullable AdoptedContainer of(TaskExit exit) {
            return adopted.get(new TaskId(namespace, exit.getContainerId()));
        }

        @Override
        public boolean isTold(TaskExit exit) {
            var container = of(exit);
            return container != null && container.ledger().isTold(exit);
        }

        @Override
        public boolean isRefuted(TaskExit exit) {
            var container = of(exit);
            return container != null
                    && exit.getId().equals(container.record().id())
                    && exit.getPid() == container.record().init().pid()
                    && container.record().init().isAlive();
        }

        @Override
        public boolean wasWithinReach(TaskExit exit) {
            var container = of(exit);
            return container != null && ShimWord.reaches(container.record(), feed.address());
        }

        @Override
        public boolean isBeingTold(TaskExit exit) {
            var container = of(exit);
            return container != null && ShimWord.isOnItsWay(container.record());
        }

        @Override
        public void told(TaskExit exit) {
            var container = of(exit);
            if (container != null) {
                container.ledger().told(exit);
            }
        }
    }

    /** Serves a container no longer, and does it no harm. */
    void release(TaskId id) {
        var _ = changing(() -> {
            var container = adopted.remove(id);
            if (container != null) {
                container.close();
                ShimLog.info("let go", "ns", id.namespace(), "id", id.id());
            }
            return id;
        });
    }

    /**
     * Ends this process for another one, which the keeper starts with that command and which serves all of this.
     *
     * @throws ShimException FAILED_PRECONDITION without a keeper: it would be the end for all who are connected
     */
    void replace(List<String> command) {
        changes.writeLock().lock();
        try {
            requireGoingOn();
            if (!doors.isKept()) {
                throw ShimException.failedPrecondition(
                        "the bridge has no keeper that could start another one; see its log");
            }
            next = List.copyOf(command);
            stop();
        } finally {
            changes.writeLock().unlock();
        }
    }

    /** What is to run in this process's place, after {@link #await}; null where nothing is. */
    @Nullable
    List<String> next() {
        return next;
    }

    /** That containerd listens elsewhere from now on. */
    void follow(Path address, Path ttrpcAddress) {
        var _ = changing(() -> {
            new Containerd(address, ttrpcAddress).note(paths);
            feed.follow(address);
            moved.accept(ttrpcAddress);
            return address;
        });
    }

    /** Where containerd is looked for. */
    Path containerd() {
        return feed.address();
    }

    Collection<AdoptedContainer> list() {
        return List.copyOf(adopted.values());
    }

    private void ended(AdoptedContainer container) {
        adopted.remove(container.id(), container);
        if (adopted.isEmpty()) {
            stopLaterIfIdle();
        }
    }

    /** Under the lock, so that nothing is adopted by a bridge that ends. */
    private void stopIfIdle() {
        if (!adopted.isEmpty()) {
            return;
        }
        if (!changes.writeLock().tryLock()) {
            stopLaterIfIdle();
            return;
        }
        try {
            if (adopted.isEmpty() && finishing.get() == 0) {
                ShimLog.info("the last adopted container has ended");
                stop();
            }
        } finally {
            changes.writeLock().unlock();
        }
    }

    /** Makes {@link #await} return; nothing is adopted any more. */
    void stop() {
        stopping = true;
        done.countDown();
    }

    /** Waits until the bridge is to end. */
    void await() throws InterruptedException {
        done.await();
    }

    /** Lets go of all containers, which go on under their v1 shims. Blocks for some seconds at most. */
    @Override
    public void close() {
        feed.close();
        var closing = list().stream()
                .map(container -> Thread.ofVirtual().start(container::close))
                .toList();
        for (var thread : closing) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
