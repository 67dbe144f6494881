package dev.jshim.bridge.serve;

import dev.jshim.bridge.end.Cleanup;
import dev.jshim.bridge.exit.AdoptedEvents;
import dev.jshim.bridge.exit.Containerd;
import dev.jshim.bridge.record.AdoptedBundle;
import dev.jshim.bridge.record.AdoptedNotes;
import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.linux.Deadline;
import dev.jshim.node.NodePaths;
import dev.jshim.shim.cgroup.OomWatch;
import dev.jshim.task.EventSink;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimLog;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Serves all adopted containers of one containerd. After a start it serves what it finds on disk: each bundle that an
 * adoption added has its own record. Thread-safe.
 */
final class Bridge implements AutoCloseable {
    /** After the last container's end: another adoption may be about to add a bundle. */
    private static final Duration GRACE = Duration.ofSeconds(10);

    /** How long a start waits for the v1 shims; the containers of those that do not answer are served all the same. */
    private static final Duration ATTACHED = Duration.ofSeconds(1);

    /**
     * The pause between two looks for the containerd that has connected. An exit between its connection and our look is
     * reported twice, so the pause is short as long as it is likely to start.
     */
    private static final Duration SHORT_PAUSE = Duration.ofMillis(100);

    private static final Duration PAUSE = Duration.ofSeconds(2);
    private static final Duration STARTS = Duration.ofSeconds(60);

    private static final String ENDING = "this bridge is about to exit; try again";

    private final BridgePaths paths;
    private final TaskDoors doors;
    private final Containerd containerd;
    private final Function<String, EventSink> publishers;
    private final ScheduledExecutorService timer;
    private final Map<TaskId, AdoptedContainer> adopted = new ConcurrentHashMap<>();
    /** The notes of containers that were released, whose last events may still be under way. By their file. */
    private final Map<Path, AdoptedNotes> released = new ConcurrentHashMap<>();

    private final OomWatch oomWatch = new OomWatch();
    /** The read lock is for adding or removing a container, the write lock for ending the bridge. */
    private final ReentrantReadWriteLock changes = new ReentrantReadWriteLock();

    /** How many deletions that the bridge before had begun are still being finished. */
    private final AtomicInteger finishing = new AtomicInteger();

    /** How many clients have connected since the last look for the containerd that runs. */
    private final AtomicInteger looks = new AtomicInteger();

    /** That it is to end: completed with the command that is to run in its place, empty for none. */
    private final CompletableFuture<List<String>> end = new CompletableFuture<>();

    /**
     * A bridge that serves nothing yet.
     *
     * @param publishers makes the publisher of a namespace
     */
    Bridge(
            BridgePaths paths,
            TaskDoors doors,
            Containerd containerd,
            Function<String, EventSink> publishers,
            ScheduledExecutorService timer) {
        this.paths = paths;
        this.doors = doors;
        this.containerd = containerd;
        this.publishers = publishers;
        this.timer = timer;
        doors.onArrival(this::look);
    }

    /** The timer that all parts of a bridge share: one thread, which never blocks. */
    static ScheduledExecutorService timer() {
        return Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().name("timer").daemon().factory());
    }

    /**
     * Serves what was adopted before, whatever its state: the bundle of a shim that is dead or does not answer is
     * served too, because containerd would delete it otherwise.
     */
    void load() throws IOException {
        Map<Path, AdoptedNotes> notes = new HashMap<>();
        AdoptedNotes.all(paths).forEach(each -> notes.put(each.file(), each));
        // The deletions may be finished in a moment.
        Set<Path> ending = notes.values().stream()
                .filter(AdoptedNotes::isBeingDeleted)
                .map(AdoptedNotes::file)
                .collect(Collectors.toSet());
        finishEndings(notes.values());
        List<Thread> attaching = new ArrayList<>();
        for (var bundle : bundles(paths.node())) {
            var container = load(bundle, notes);
            if (container != null) {
                attaching.add(
                        Thread.ofVirtual().name("attach-" + container.id()).start(container::attach));
            }
        }
        notes.values().stream().filter(each -> !ending.contains(each.file())).forEach(this::forget);
        joinAll(attaching);
        look();
    }

    /**
     * Serves one bundle. If it cannot be served, the others are all the same: containerd deletes what is not.
     *
     * @param notes of the bridge before; those of the container are removed from them
     * @return null if it cannot be served
     */
    private @Nullable AdoptedContainer load(Path bundle, Map<Path, AdoptedNotes> notes) {
        AdoptedContainer container = null;
        try {
            var record = AdoptedRecord.read(bundle);
            var before = notes.remove(paths.notes(record));
            container = prepare(before == null ? AdoptedNotes.of(paths, record) : before);
            adopted.put(container.id(), container);
            container.continueHeld();
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

    /** Publishes what is held back of a container that does not exist any more. Its notes go after that. */
    private void forget(AdoptedNotes notes) {
        events(notes).continueHeld();
        notes.over();
    }

    private AdoptedEvents events(AdoptedNotes notes) {
        // As if containerd had the task from us: nobody else reports the exit of a container whose files we have
        // removed.
        var sink = publishers.apply(notes.record().namespace());
        return new AdoptedEvents(notes, sink, containerd, timer, AdoptedEvents.SHIM_REPORTS, () -> true, () -> {});
    }

    /** Finishes the deletions that the bridge before had begun. */
    private void finishEndings(Collection<AdoptedNotes> notes) {
        var endings = notes.stream()
                .filter(AdoptedNotes::isBeingDeleted)
                .map(Cleanup::new)
                .toList();
        List<Thread> all = new ArrayList<>();
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
        // What takes longer continues meanwhile: a v1 shim may take its time to delete.
        joinAll(all);
    }

    /** Waits a moment for all of them together: until the bridge serves, a containerd that starts deletes bundles. */
    private static void joinAll(List<Thread> threads) {
        var deadline = Deadline.in(ATTACHED);
        for (var thread : threads) {
            try {
                var _ = thread.join(deadline.left());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Ends the bridge in a while, if nothing is adopted then. */
    void stopLaterIfIdle() {
        var _ = timer.schedule(this::stopIfIdle, GRACE.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void finish(Cleanup ending) {
        if (!ending.hasBundle(paths.node())) {
            var events = events(ending.notes());
            events.continueHeld();
            events.awaitNothingHeld();
        }
        var record = ending.record();
        switch (ending.progress()) {
            case PRESENT -> {
                if (ending.hasBundle(paths.node())) {
                    ending.notes().notDeleted();
                } else {
                    ending.notes().over();
                }
            }
            case UNKNOWN -> ShimLog.warn("its deletion was begun, but its v1 shim does not answer", record.named());
            case STOPPED -> {
                try {
                    ending.deleteNow();
                    end(ending);
                } catch (ShimException e) {
                    // The notes stay for the next bridge, and the container is served if it still has a bundle.
                    ShimLog.warn(
                            "its deletion was begun, but its v1 shim does not continue it",
                            record.named("error", e.getMessage()));
                }
            }
            case DELETED -> end(ending);
        }
    }

    /** Cleans up after a deletion. */
    private void end(Cleanup ending) {
        if (ending.hasBundle(paths.node())) {
            // It is served once more, for a containerd that still asks, and ends then.
            ending.answer(paths.node());
            endServed(ending.record());
        } else {
            ending.finish();
            ending.notes().over();
        }
    }

    /** If a v1 shim took its time to delete, the container is served by now, and has found no exit in its bundle. */
    private void endServed(AdoptedRecord record) {
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
        return !bundle.getFileName().toString().startsWith(".") && AdoptedBundle.isOurs(bundle);
    }

    /**
     * Serves a container from now on; it is no error if it is served already. Blocks until its v1 shim has answered.
     *
     * @return the socket
     * @throws ShimException if its shim does not answer: then it is not served; ALREADY_EXISTS if another container
     *     with this id is served
     */
    Path adopt(AdoptedRecord record) {
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
        if (end.isDone()) {
            throw new ShimException(ShimException.Kind.UNAVAILABLE, ENDING);
        }
    }

    private Path adoptNow(AdoptedRecord record) {
        var notes = AdoptedNotes.of(paths, record);
        var isNoted = Files.exists(notes.file());
        var fresh = prepare(notes);
        var before = adopted.putIfAbsent(fresh.id(), fresh);
        if (before != null) {
            if (!before.record().init().equals(record.init())) {
                throw ShimException.alreadyExists("another container with the id " + fresh.id() + " is served");
            }
            return before.socket();
        }
        try {
            fresh.probe();
            var old = released.remove(notes.file());
            if (old != null) {
                old.replaced();
            }
            notes.begin();
            fresh.continueHeld();
            fresh.attach();
            fresh.serve();
            fresh.runs(containerd.seen());
        } catch (IOException | RuntimeException e) {
            adopted.remove(fresh.id(), fresh);
            if (isNoted) {
                fresh.close();
            } else {
                fresh.release();
            }
            throw e instanceof ShimException shim
                    ? shim
                    : new ShimException(ShimException.Kind.INTERNAL, "cannot serve " + fresh.id() + ": " + e, e);
        }
        ShimLog.info("adopted", record.named("pid", record.init().pid()));
        return fresh.socket();
    }

    private AdoptedContainer prepare(AdoptedNotes notes) {
        var publisher = publishers.apply(notes.record().namespace());
        return new AdoptedContainer(notes, paths, doors, containerd, publisher, oomWatch, timer, this::ended);
    }

    /**
     * A client has connected, perhaps a containerd that starts: it connects to all bundles before it listens itself.
     * Waits until it does, and lets the containers know which one runs.
     */
    private void look() {
        if (looks.getAndIncrement() == 0) {
            Thread.ofVirtual().name("look").start(this::lookNow);
        }
    }

    private void lookNow() {
        int seen;
        do {
            seen = looks.get();
            var daemon = containerd.seen();
            var soon = Deadline.in(STARTS);
            while (daemon.isEmpty() && (!soon.isOver() || list().stream().anyMatch(each -> each.clients() > 0))) {
                LockSupport.parkNanos((soon.isOver() ? PAUSE : SHORT_PAUSE).toNanos());
                daemon = containerd.seen();
            }
            for (var container : list()) {
                container.runs(daemon);
            }
        } while (!looks.compareAndSet(seen, 0));
    }

    /** Stops serving a container, which continues under its v1 shim. */
    void release(TaskId id) {
        var _ = changing(() -> {
            var container = adopted.remove(id);
            if (container != null) {
                released.put(container.notes().file(), container.notes());
                container.release();
                ShimLog.info("released", "ns", id.namespace(), "id", id.id());
            }
            return id;
        });
    }

    /**
     * Ends this process for another one, which the keeper starts with that command, and which serves all containers.
     *
     * @throws ShimException FAILED_PRECONDITION without a keeper: all clients would lose their connections
     */
    void replace(List<String> command) {
        changes.writeLock().lock();
        try {
            requireGoingOn();
            if (!doors.isKept()) {
                throw ShimException.failedPrecondition(
                        "the bridge has no keeper that could start another one; see its log");
            }
            end.complete(List.copyOf(command));
        } finally {
            changes.writeLock().unlock();
        }
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

    /** With the lock, so that a bridge that ends adopts nothing. */
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
        end.complete(List.of());
    }

    /**
     * Waits until the bridge is to end.
     *
     * @return what is to run in its place; empty for nothing
     */
    List<String> await() {
        return end.join();
    }

    /** Stops serving all containers, which continue under their v1 shims. Blocks for some seconds at most. */
    @Override
    public void close() {
        try (var all = Executors.newVirtualThreadPerTaskExecutor()) {
            list().forEach(container -> all.execute(container::close));
        }
    }
}
