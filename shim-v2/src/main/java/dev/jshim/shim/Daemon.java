package dev.jshim.shim;

import com.google.protobuf.Any;
import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.Processes;
import dev.jshim.shim.config.Protocol;
import dev.jshim.shim.event.TtrpcPublisher;
import dev.jshim.shim.keeper.FaultPoint;
import dev.jshim.shim.keeper.FdStore;
import dev.jshim.shim.keeper.Held;
import dev.jshim.shim.keeper.Keeper;
import dev.jshim.shim.keeper.ShimPid;
import dev.jshim.shim.oci.OciTaskFactory;
import dev.jshim.shim.oci.Reaper;
import dev.jshim.shim.oci.TaskNotes;
import dev.jshim.shim.stdio.PumpLoop;
import dev.jshim.shim.task.TaskRegistry;
import dev.jshim.shim.task.TaskService;
import dev.jshim.shim.task.TaskServiceV3;
import dev.jshim.task.EventSink;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A running shim: serves the containers of one group until the last is gone and a client has called Shutdown, or nobody
 * has needed it for a while: containerd 2 sends no Shutdown to the shim of a pod's container (core/runtime/v2/shim.go
 * delete, v2.1.4), and none at all if it died between start and Create.
 */
final class Daemon {
    static final String PROCESS_NAME = "jshim";
    /** What the keeper calls the FIFO of containerd's log. */
    static final String LOG = "log";

    private static final Duration EVENTS = Duration.ofSeconds(3);
    private static final Duration CALLS = Duration.ofSeconds(1);

    /** For calls under way when another process takes this one's place: that one answers those that take longer. */
    private static final Duration QUIET = Duration.ofSeconds(1);

    /** Before the first container: a busy node takes its time between start and Create. */
    private static final Duration UNUSED = Duration.ofSeconds(60);

    /** 128 and SIGTERM, as a JVM without handlers. */
    private static final int TERMINATED = 143;

    private final GroupFolder group;
    private final ShimNote note;
    private final @Nullable Keeper keeper;
    private final Transport transport;
    /** How long there was no container when it ends without a Shutdown. */
    private final Duration idle;
    /** The same after a Shutdown. */
    private final Duration linger;

    private final TaskRegistry tasks = new TaskRegistry(this::mayClose);
    private final @Nullable TtrpcPublisher publisher;
    private final TaskService service;
    /** Whether a process before this one has had a container. */
    private final boolean wasUsed;

    private final ShimControl control = new ShimControl(this::replace);
    /** Guarded by this: whether another process is to take this one's place, or nobody is. */
    private boolean isLeaving;

    /**
     * Makes a shim that does not serve yet.
     *
     * @param lesser options that hold if a container's own say nothing, by its bundle
     * @param keeper what is to outlive this process it holds; null for a shim that ends with it
     * @param held what a process before this one has left with the keeper
     */
    Daemon(GroupFolder group, ShimNote note, Function<Path, Any> lesser, @Nullable Keeper keeper, List<Held> held)
            throws IOException {
        this.group = group;
        this.note = note;
        this.keeper = keeper;
        // gRPC's sockets are Netty's own: they end with the process, and so does the shim.
        transport = keeper == null || note.protocol() == Protocol.GRPC
                ? Transports.of(note.protocol())
                : new KeptTransport(keeper, group.path(), held);
        var stays = note.idle();
        idle = stays == null ? GroupFolder.GRACE : stays;
        linger = stays == null ? Duration.ZERO : stays;
        var ttrpc = note.ttrpcAddress();
        publisher = ttrpc == null ? null : publisher(ttrpc, note.namespace(), group.path(), keeper, held);
        var events = publisher == null ? (EventSink) _ -> {} : publisher;
        // Without its sockets no task can outlive this process.
        var store = transport instanceof KeptTransport ? keeper : null;
        var notes = store == null ? TaskNotes.NONE : TaskNotes.in(group.path());
        var reaper = reaper(notes, store);
        var factory = new OciTaskFactory(
                note.namespace(),
                reaper,
                new PumpLoop(),
                lesser,
                note.caller().background(),
                notes,
                store == null ? FdStore.NONE : store);
        service = new TaskService(tasks, factory, events, () -> {}, ShimPid.get());
        wasUsed = !held.isEmpty() && notes.hasAny();
        if (!held.isEmpty()) {
            for (var task : factory.restore(held)) {
                tasks.add(task);
                service.resume(task);
            }
        }
    }

    /** The parent of the containers' processes is the keeper, or this process if they end with it. */
    private static Reaper reaper(TaskNotes notes, @Nullable Keeper store) throws ErrnoException {
        if (store == null) {
            Processes.becomeSubreaper();
            return Reaper.start();
        }
        var reaper = Reaper.start(notes, store::reap);
        store.exits(reaper::ended);
        return reaper;
    }

    private static TtrpcPublisher publisher(
            Path address, String namespace, Path folder, @Nullable Keeper keeper, List<Held> held) {
        return keeper == null
                ? new TtrpcPublisher(address, namespace)
                : new TtrpcPublisher(address, namespace, folder.resolve("events"), keeper, held);
    }

    /** Begins to serve at the socket; returns at once. */
    void serve() throws IOException {
        var own = keeper;
        if (own == null) {
            // Also for a signal that comes before it is handled.
            Runtime.getRuntime().addShutdownHook(new Thread(group::remove, "remove-socket"));
        }
        transport.serve(
                note.socket(), List.of(service.bindService(), TaskServiceV3.of(service), control.bindService()));
        Files.setPosixFilePermissions(note.socket(), PosixFilePermissions.fromString("rw-------"));
        if (own != null) {
            own.start(this::arrived, () -> ShimLog.error("the keeper has died, and this process with it"));
        }
    }

    /** Says that it has come up: from now on another process goes on when this one dies, if its sockets are kept. */
    void serving() {
        if (keeper != null) {
            keeper.serving();
            if (!(transport instanceof KeptTransport)) {
                keeper.end();
            }
        }
    }

    private void arrived(Held client) {
        if (transport instanceof KeptTransport kept) {
            kept.arrived(client);
        }
    }

    /** A start of the same group must not join a shim that is about to go, so the group ends with the registry. */
    private synchronized boolean mayClose(BooleanSupplier close) {
        if (isLeaving) {
            return false;
        }
        isLeaving = tasks.emptyFor().compareTo(linger) >= 0 && group.leave(close);
        return isLeaving;
    }

    /** Begins to make room for another process, to which the keeper gives all that outlives this one. */
    private void replace(List<String> command) {
        var own = keeper;
        if (own == null || !(transport instanceof KeptTransport kept)) {
            throw new ShimException(
                    ShimException.Kind.FAILED_PRECONDITION,
                    "this shim cannot be replaced: its connections end with its process");
        }
        synchronized (this) {
            if (isLeaving) {
                throw new ShimException(ShimException.Kind.UNAVAILABLE, "the shim is about to exit; try again");
            }
            isLeaving = true;
        }
        Thread.ofVirtual().name("replace").start(() -> makeRoom(own, kept, command));
    }

    private static void makeRoom(Keeper keeper, KeptTransport transport, List<String> command) {
        ShimLog.info("replacing this JVM", "with", command.getFirst());
        try {
            transport.quiet(QUIET);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            // As if it had been killed, but that nothing is under way: what is left to do is in the notes. If the
            // keeper
            // does not know what is next it starts the same command again.
            try {
                var _ = keeper.next(command);
            } finally {
                Runtime.getRuntime().halt(0);
            }
        }
    }

    private static Duration longer(Duration one, Duration other) {
        return one.compareTo(other) > 0 ? one : other;
    }

    /**
     * At a signal that ends it: its containers live on, and containerd's `delete` sees to them and to the folder. With
     * a keeper that is a death like any other: a signal to the keeper ends the shim, and one to this process alone does
     * not.
     */
    private void end() {
        if (transport instanceof KeptTransport) {
            Runtime.getRuntime().halt(TERMINATED);
        }
        group.remove();
        tasks.closeAnyhow();
    }

    /** Returns when the shim has come to its end and has done what was left to do. */
    void awaitEnd() throws InterruptedException {
        Signals.handle(this::end);
        var unused = longer(idle, wasUsed ? GroupFolder.GRACE : UNUSED);
        tasks.awaitEmpty(idle, unused);
        while (!tasks.closeIfEmpty()) {
            // A start has just joined, whose Create is on the way.
            tasks.restartEmptyTime();
            tasks.awaitEmpty(longer(idle, GroupFolder.GRACE), unused);
        }
        FaultPoint.at("shim-left");
        transport.shutdown(CALLS);
        FaultPoint.at("shim-closed");
        if (publisher != null && !publisher.drain(EVENTS)) {
            ShimLog.warn("the shim exits with undelivered events");
        }
        FaultPoint.at("shim-told");
    }
}
