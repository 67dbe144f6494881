package dev.jshim.bridge.serve;

import dev.jshim.bridge.end.Cleanup;
import dev.jshim.bridge.end.Orphan;
import dev.jshim.bridge.exit.AdoptedEvents;
import dev.jshim.bridge.exit.AdoptedOoms;
import dev.jshim.bridge.exit.Containerd;
import dev.jshim.bridge.record.AdoptedBundle;
import dev.jshim.bridge.record.AdoptedNotes;
import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.bridge.record.RememberedCgroup;
import dev.jshim.bridge.v1.ShimLink;
import dev.jshim.shim.cgroup.OomWatch;
import dev.jshim.shim.keeper.FaultPoint;
import dev.jshim.shim.task.RepeatedTask;
import dev.jshim.shim.task.TaskRegistry;
import dev.jshim.shim.task.TaskService;
import dev.jshim.task.EventSink;
import dev.jshim.task.Exit;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimLog;
import dev.jshim.task.ShimSocket;
import dev.jshim.task.TaskFactory;
import dev.jshim.task.TaskId;
import dev.jshim.ttrpc.TtrpcServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One adopted container, which the bridge serves on a socket of its own until its end: it was deleted here and then
 * cleaned up, or a 1.x daemon has deleted it without us, or it was released.
 */
final class AdoptedContainer implements AutoCloseable {
    /** How long a client may take between Delete and Shutdown. */
    private static final Duration SHUTDOWN_COMES = Duration.ofSeconds(Long.getLong("jshim.shutdown.patience", 5));
    /** The old daemon removes a bundle right after it has killed the shim. */
    private static final Duration OLD_DAEMON_CLEANS = Duration.ofSeconds(1);

    private static final Duration LONGEST_LOOK = Duration.ofSeconds(30);
    private static final Duration LAST_ANSWERS = Duration.ofSeconds(2);

    private final AdoptedRecord record;
    private final Path bundle;
    private final Path socket;
    private final ScheduledExecutorService timer;
    private final Consumer<AdoptedContainer> ended;
    private final BridgePaths paths;
    private final TaskDoors doors;
    private final RememberedCgroup cgroup;
    private final AdoptedNotes notes;
    private final AdoptedEvents events;
    private final Cleanup cleanup;
    private final AdoptedTask task;
    private final RepeatedTask served;
    private final TaskService service;
    private final TtrpcServer server;
    private final AtomicBoolean over = new AtomicBoolean();
    private volatile boolean wasDeleted;
    private volatile TaskDoors.@Nullable Door door;

    /**
     * Prepares to serve; {@link #attach} and {@link #serve} follow.
     *
     * @param publisher of its namespace
     * @param oomWatch shared by all
     * @param ended called once, when nothing is left to serve
     */
    AdoptedContainer(
            AdoptedNotes notes,
            BridgePaths paths,
            TaskDoors doors,
            Containerd containerd,
            EventSink publisher,
            OomWatch oomWatch,
            ScheduledExecutorService timer,
            Consumer<AdoptedContainer> ended) {
        this.notes = notes;
        record = notes.record();
        this.paths = paths;
        this.doors = doors;
        bundle = paths.node().v2Bundle(record.task());
        socket = paths.socket(record.task());
        this.timer = timer;
        this.ended = ended;
        cgroup = new RememberedCgroup(record.init(), notes);
        events = new AdoptedEvents(
                notes,
                publisher,
                containerd,
                timer,
                AdoptedEvents.SHIM_REPORTS,
                () -> clients() > 0,
                () -> runs(containerd.seen()));
        cleanup = new Cleanup(notes);
        var link = ShimLink.to(record, () -> doors.dial(record.key(), ShimSocket.parse(record.socket())));
        link.onLost(this::lookForGhost);
        var ooms = new AdoptedOoms(oomWatch, cgroup, notes, events);
        var orphan = new Orphan(record, cgroup, Orphan::keptByConfiguration);
        task = new AdoptedTask(notes, bundle, link, cgroup, ooms, orphan, cleanup, this::deleted);
        var registry = new TaskRegistry();
        served = new RepeatedTask(task);
        registry.add(served);
        TaskFactory none = request -> {
            throw ShimException.failedPrecondition("this socket serves only container " + record.id());
        };
        service = new TaskService(registry, none, events, this::shutdown);
        server = TaskDoors.server(service);
    }

    AdoptedRecord record() {
        return record;
    }

    AdoptedNotes notes() {
        return notes;
    }

    TaskId id() {
        return record.task();
    }

    /** Continues with what the bridge before has held back; before {@link #attach}. */
    void continueHeld() {
        events.continueHeld();
    }

    /**
     * That this containerd runs now, see {@link Containerd#seen}. It is noted: the v1 shim reports to it what exits
     * from now on.
     */
    void runs(String daemon) {
        // An exit that is held back has its own daemon noted.
        if (!daemon.isEmpty() && task.livesOrIsReported(events::holds)) {
            notes.daemon(daemon);
        }
    }

    Path socket() {
        return socket;
    }

    /** What is wrong with its v1 shim, empty if nothing is. */
    String trouble() {
        return task.trouble();
    }

    /** How many clients are connected to its socket. */
    int clients() {
        return server.connections();
    }

    /**
     * Asks the v1 shim whether it and its container are those of the record.
     *
     * @throws ShimException if not, or if it does not answer
     */
    void probe() {
        task.probe();
    }

    /**
     * Begins to watch the processes and to publish their exits. An adoption itself is no event: containerd knows the
     * container already. All exits go to {@link AdoptedEvents}, which knows from the notes which of them were reported:
     * a bridge that knew of an exit may have died before it published it.
     */
    void attach() {
        cgroup.remember();
        service.publishOoms(served);
        task.attach().forEach(execId -> service.publishExit(served, execId));
        service.publishExit(served, "");
    }

    /** Begins to serve, and continues what a bridge before this one has begun. */
    void serve() throws IOException {
        // Before any client is served: a Shutdown has a meaning only after a deletion.
        if (Files.exists(bundle.resolve(Cleanup.EXIT_FILE))) {
            // The bridge before this one ended between deletion and end.
            deletedBefore();
        }
        door = doors.open(record.key() + "/" + record.init(), socket, server);
    }

    /** That it was deleted by a call that the bridge before this one had begun. */
    void deletedBefore() {
        wasDeleted = true;
        var exit = notes.exit();
        if (exit != null) {
            // The v1 shim knows of no process any more.
            task.endedBefore(exit);
        }
        endLater(SHUTDOWN_COMES);
    }

    /** It was deleted, and the call is not answered yet. */
    private void deleted(Exit exit) {
        FaultPoint.at("deletion-done");
        wasDeleted = true;
        notes.deleting(exit);
        // Without the answer, the launcher's delete cleans up by itself: as it must if the v1 shim could not.
        if (!cleanup.hasRuntimeState()) {
            cleanup.answer(paths.node());
        }
        endLater(SHUTDOWN_COMES);
        FaultPoint.at("deletion-noted");
    }

    private void endLater(Duration delay) {
        var _ = timer.schedule(this::shutdown, delay.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void shutdown() {
        if (wasDeleted && over.compareAndSet(false, true)) {
            Thread.ofVirtual().name("end-" + record.id()).start(() -> {
                stopServing();
                cleanup.removeOwnSocket();
                // Until then the v1 shim may have to report an exit.
                events.awaitNothingHeld();
                cleanup.finish();
                notes.over();
                ended.accept(this);
            });
        }
    }

    /** The connection to the shim was lost: perhaps a 1.x daemon has deleted the container, and ended its shim. */
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
            // The daemon may take its time. If only the shim has died, this repeats as long as the container is served.
            var next = delay.multipliedBy(2);
            lookForGhost(next.compareTo(LONGEST_LOOK) < 0 ? next : LONGEST_LOOK);
            return;
        }
        if (wasDeleted || !over.compareAndSet(false, true)) {
            return;
        }
        ShimLog.info("deleted by another daemon", record.named());
        stopServing();
        try {
            AdoptedBundle.remove(bundle);
        } catch (IOException e) {
            ShimLog.warn("could not remove the bundle", record.named("error", e));
        }
        notes.over();
        ended.accept(this);
    }

    private void stopServing() {
        var open = door;
        if (open != null) {
            open.close();
        }
        var _ = server.shutdown(LAST_ANSWERS);
        task.detach();
    }

    /** As {@link #close}, and for good: its notes go, too, but for those of a deletion, which is to be finished. */
    void release() {
        if (over.compareAndSet(false, true)) {
            stopServing();
            if (!notes.isBeingDeleted()) {
                notes.over();
            }
        }
    }

    /** Stops serving the container, which continues under its v1 shim. Blocks for some seconds at most. */
    @Override
    public void close() {
        if (over.compareAndSet(false, true)) {
            stopServing();
        }
    }
}
