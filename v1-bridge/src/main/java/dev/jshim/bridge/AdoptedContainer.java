package dev.jshim.bridge;

import dev.jshim.linux.UnixSocket;
import dev.jshim.node.TaskId;
import dev.jshim.shim.cgroup.OomWatch;
import dev.jshim.shim.event.EventSink;
import dev.jshim.shim.log.ShimLog;
import dev.jshim.shim.oci.BundleFiles;
import dev.jshim.shim.task.Exit;
import dev.jshim.shim.task.ShimException;
import dev.jshim.shim.task.TaskFactory;
import dev.jshim.shim.task.TaskRegistry;
import dev.jshim.shim.task.TaskService;
import dev.jshim.shim.task.TaskServiceV3;
import dev.jshim.ttrpc.MovableChannel;
import dev.jshim.ttrpc.MovedConnection;
import dev.jshim.ttrpc.TtrpcServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One adopted container as the bridge serves it, on a socket of its own, until its end: it was deleted here and is then
 * cleared away, or a 1.x daemon deleted it behind our back, or it was let go of.
 */
final class AdoptedContainer implements AutoCloseable {
    /** How long a client that has deleted may take to say Shutdown. */
    private static final Duration SHUTDOWN_COMES = Duration.ofSeconds(5);
    /** The old daemon removes a bundle right after it has killed the shim. */
    private static final Duration OLD_DAEMON_CLEANS = Duration.ofSeconds(1);

    private static final Duration LONGEST_LOOK = Duration.ofSeconds(30);
    private static final Duration LAST_ANSWERS = Duration.ofSeconds(2);

    private final LegacyRecord record;
    private final Path bundle;
    private final Path socket;
    private final ScheduledExecutorService timer;
    private final Consumer<AdoptedContainer> ended;
    private final BridgePaths paths;
    private final RememberedCgroup cgroup;
    private final BundleNotes notes;
    private final ExitLedger ledger;
    private final LegacyTask task;
    private final TaskService service;
    private final TtrpcServer server;
    private final AtomicBoolean over = new AtomicBoolean();
    private volatile boolean wasDeleted;
    private volatile @Nullable TaskDoor door;

    /**
     * Prepares to serve; {@link #attach} and {@link #serve} follow.
     *
     * @param oomWatch shared by all
     * @param ended told once, when nothing is left to serve
     */
    AdoptedContainer(
            LegacyRecord record,
            BridgePaths paths,
            EventSink events,
            OomWatch oomWatch,
            ScheduledExecutorService timer,
            Consumer<AdoptedContainer> ended) {
        this.record = record;
        this.paths = paths;
        bundle = paths.node().v2Bundle(record.task());
        socket = paths.socket(record.task());
        this.timer = timer;
        this.ended = ended;
        cgroup = new RememberedCgroup(record.init(), bundle);
        notes = new BundleNotes(bundle);
        ledger = new ExitLedger(record, notes);
        var link = ShimLink.to(record);
        link.onLost(this::lookForGhost);
        var ooms = new AdoptedOoms(oomWatch, cgroup, notes, events);
        var orphan = new Orphan(record, cgroup, Orphan::keptByConfiguration);
        task = new LegacyTask(record, ledger, link, cgroup, ooms, orphan, new End());
        var registry = new TaskRegistry();
        registry.add(task);
        TaskFactory none = request -> {
            throw ShimException.failedPrecondition("the bridge serves container " + record.id() + " alone");
        };
        service = new TaskService(registry, none, events, this::shutdown);
        server = TtrpcServer.builder()
                .addService(service)
                .addService(TaskServiceV3.of(service))
                .build();
    }

    LegacyRecord record() {
        return record;
    }

    TaskId id() {
        return record.task();
    }

    /** What the bridges of this container know of its exits. */
    ExitLedger ledger() {
        return ledger;
    }

    Path socket() {
        return socket;
    }

    /** What is wrong with its v1 shim, empty where nothing is. */
    String trouble() {
        return task.trouble();
    }

    /** How many clients are connected to its socket. */
    int clients() {
        return server.connections();
    }

    /**
     * Asks the v1 shim whether it is the one, and has the container, that the record says.
     *
     * @throws ShimException where it is not, or does not answer
     */
    void probe() {
        task.probe();
    }

    /**
     * Begins to watch the processes and to publish their exits. An adoption itself is no event: containerd knows the
     * container already.
     */
    void attach() {
        attach(Set.of());
    }

    /**
     * As {@link #attach()}, in the place of another bridge. All exits are published here: that the other one knew of an
     * exit does not mean that it has got as far as to publish it. The ledger, what containerd was seen to send and what
     * is held back say which of them have been told.
     *
     * @param running execs that ran when it stopped to watch: they may have ended since, and be listed no more
     */
    void attach(Set<String> running) {
        cgroup.remember();
        service.publishOoms(task);
        task.attach(running).forEach(execId -> service.publishExit(task, execId));
        service.publishExit(task, "");
    }

    /** Begins to serve. */
    void serve() throws IOException {
        serve(TaskDoor.listen(socket, server), List.of());
    }

    /** Goes on where another bridge has stopped to serve. */
    void serve(UnixSocket listener, List<MovedConnection> connections) {
        serve(TaskDoor.of(listener, server), connections);
    }

    private void serve(TaskDoor fresh, List<MovedConnection> connections) {
        door = fresh;
        // Before anybody is heard: a Shutdown means something only for what was deleted.
        if (Files.exists(bundle.resolve(EndOfLife.EXIT_FILE))) {
            // The bridge before this one ended between deletion and end.
            deletedBefore();
        }
        connections.forEach(server::serve);
        fresh.open();
    }

    /** That it was deleted, by a call that the bridge before this one had begun. */
    void deletedBefore() {
        wasDeleted = true;
        notes.end();
        endLater(SHUTDOWN_COMES);
    }

    /** What the deletion of the container means here. */
    private final class End implements Deletion {
        @Override
        public void begins(@Nullable Exit exit) {
            note(exit);
            FaultPoint.at("deletion-begun");
        }

        @Override
        public void refused() {
            Ending.of(paths, record, null).forget();
        }

        @Override
        public void done(Exit exit) {
            FaultPoint.at("deletion-done");
            wasDeleted = true;
            notes.end();
            note(exit);
            try {
                // Without the answer, the launcher's delete cleans up by itself: as it must where the v1 shim could
                // not.
                if (!LeftState.isThere(record) && Files.isDirectory(bundle)) {
                    BundleFiles.writeExit(bundle, exit);
                }
            } catch (IOException e) {
                failed("could not leave the exit in the bundle", e);
            }
            endLater(SHUTDOWN_COMES);
            FaultPoint.at("deletion-noted");
        }

        private void note(@Nullable Exit exit) {
            try {
                Ending.of(paths, record, exit).note();
            } catch (IOException e) {
                failed("could not note the end of a container", e);
            }
        }

        private void failed(String what, IOException e) {
            ShimLog.warn(what, "ns", record.namespace(), "id", record.id(), "error", e);
        }
    }

    private void endLater(Duration delay) {
        var _ = timer.schedule(this::shutdown, delay.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void shutdown() {
        if (wasDeleted && over.compareAndSet(false, true)) {
            Thread.ofVirtual().name("end-" + record.id()).start(() -> {
                stopServing();
                new EndOfLife(record).finish();
                Ending.of(paths, record, null).forget();
                ended.accept(this);
            });
        }
    }

    /** The connection to the shim was lost: perhaps a 1.x daemon has deleted the container, and its shim with it. */
    private void lookForGhost() {
        lookForGhost(OLD_DAEMON_CLEANS);
    }

    private void lookForGhost(Duration delay) {
        if (!over.get() && !wasDeleted) {
            Runnable look =
                    () -> Thread.ofVirtual().name("ghost-" + record.id()).start(() -> dropGhost(delay));
            var _ = timer.schedule(look, delay.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    private void dropGhost(Duration delay) {
        if (record.shim().isAlive()) {
            // Only the connection was lost.
            return;
        }
        if (record.init().isAlive() || Files.exists(record.v1Bundle())) {
            // The daemon may take its time; a shim that just died is looked at for as long as it is served.
            var next = delay.multipliedBy(2);
            lookForGhost(next.compareTo(LONGEST_LOOK) < 0 ? next : LONGEST_LOOK);
            return;
        }
        if (wasDeleted || !over.compareAndSet(false, true)) {
            return;
        }
        ShimLog.info("deleted by another daemon", "ns", record.namespace(), "id", record.id());
        stopServing();
        try {
            AddedBundle.remove(bundle);
        } catch (IOException e) {
            ShimLog.warn("could not remove the bundle", "ns", record.namespace(), "id", record.id(), "error", e);
        }
        ended.accept(this);
    }

    private void stopServing() {
        var listening = door;
        if (listening != null) {
            listening.close();
        }
        TaskDoor.remove(socket);
        var _ = server.shutdown(LAST_ANSWERS);
        task.detach();
    }

    /** Whether it was deleted and is not cleared away yet, or is being let go of. */
    boolean isEnding() {
        return wasDeleted || over.get();
    }

    /** What another bridge needs to go on with this container. */
    record Belongings(UnixSocket listener, List<MovedConnection> connections) {}

    /**
     * Stops to serve without a word to anybody; {@link #unpack} takes it back.
     *
     * @throws IOException where calls do not end in time, or it is ending: nobody but us would know that it was
     *     deleted; all is as before then
     */
    Belongings pack(Duration grace) throws IOException {
        var listening = door;
        if (listening == null) {
            throw new IOException(id() + " is not served yet");
        }
        listening.shut();
        Belongings packed;
        try {
            packed = new Belongings(listening.listener(), server.move(name -> name.endsWith("/Wait"), grace));
        } catch (IOException e) {
            listening.open();
            throw new IOException(id() + ": " + e.getMessage(), e);
        }
        if (isEnding()) {
            unpack(packed);
            throw new IOException(id() + " was deleted in this very moment; try again");
        }
        return packed;
    }

    /** Serves again after {@link #pack}. */
    void unpack(Belongings belongings) {
        belongings.connections().forEach(server::serve);
        var listening = door;
        if (listening != null) {
            listening.open();
        }
    }

    /**
     * Stops to watch, after {@link #pack}: from now on no exit is told of. {@link #watchAgain} takes it back.
     *
     * @return the execs that run
     */
    Set<String> stopWatching() {
        return task.stopWatching();
    }

    void watchAgain() {
        task.watchAgain();
    }

    /** Forgets about it, after {@link #stopWatching}; who took over goes on. */
    void leave(Belongings belongings) {
        over.set(true);
        belongings.connections().forEach(connection -> closeHere(connection.channel()));
        belongings.listener().close();
        task.detach();
    }

    /** Ends to serve here at once and without a word to anybody, for another bridge has not let go of it. */
    void drop() {
        try {
            leave(pack(Duration.ofMillis(1)));
        } catch (IOException e) {
            over.set(true);
            task.detach();
        }
    }

    private static void closeHere(MovableChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            ShimLog.warn("could not close a connection that was handed over", "error", e);
        }
    }

    /** Lets go of the container, which goes on under its v1 shim. Blocks for some seconds at most. */
    @Override
    public void close() {
        if (over.compareAndSet(false, true)) {
            stopServing();
        }
    }
}
