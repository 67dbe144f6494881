package dev.jshim.bridge.serve;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.bridge.record.PrivateSocket;
import dev.jshim.bridge.v1.ShimLink;
import dev.jshim.linux.Deadline;
import dev.jshim.linux.Errno;
import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.UnixSocket;
import dev.jshim.shim.keeper.Held;
import dev.jshim.shim.keeper.Keeper;
import dev.jshim.shim.keeper.KeptClients;
import dev.jshim.shim.keeper.KeptPeer;
import dev.jshim.shim.task.TaskRegistry;
import dev.jshim.shim.task.TaskService;
import dev.jshim.shim.task.TaskServiceV3;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimLog;
import dev.jshim.task.ShimSocket;
import dev.jshim.ttrpc.TtrpcChannel;
import dev.jshim.ttrpc.TtrpcServer;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The sockets of all adopted containers and who is connected to them, as far as they outlive this process: the keeper
 * holds them too. Without a keeper they end with the process. Thread-safe.
 */
public final class TaskDoors {
    /** What the keeper calls the connection of a call to a v1 shim; no listener's name has a blank. */
    private static final String CALL = "call ";

    /** Somebody who listens makes room at once. */
    private static final Duration ROOM = Duration.ofSeconds(2);

    /** Between two tries to start a keeper in the place of one that has died. */
    private static final Duration RETRY = Duration.ofSeconds(2);

    private static final Duration OUT_OF_DESCRIPTORS = Duration.ofMillis(200);

    private static final Duration RETRY_CONNECT = Duration.ofMillis(5);

    private final Keeper keeper;
    private final BridgeFlags flags;
    private final Path ownTree = BridgeFlags.ownTree();
    private final KeptClients clients;
    /** Serves who is connected for a container that is no more. */
    private final TtrpcServer nobodys = server(new TaskService(
            new TaskRegistry(),
            request -> {
                throw ShimException.failedPrecondition("this container no longer exists");
            },
            event -> {},
            () -> {}));

    private final AtomicLong serials = new AtomicLong();
    /** When a keeper was started last, as {@link System#nanoTime}. */
    private volatile long revived = System.nanoTime() - RETRY.toNanos();

    /** By the name of the listener. */
    @GuardedBy("this")
    private final Map<String, Door> doors = new HashMap<>();

    /** Listeners of a process before this one. */
    @GuardedBy("this")
    private final Map<String, Held> listeners = new HashMap<>();

    /** Clients whose container is not served yet. */
    @GuardedBy("this")
    private final List<Held> waiting = new ArrayList<>();

    @GuardedBy("this")
    private boolean isComplete;

    private volatile Runnable arrival = () -> {};

    /**
     * The sockets of a bridge that serves nobody yet.
     *
     * @param flags with which a keeper is started in the place of one that has died
     */
    TaskDoors(BridgePaths paths, Keeper keeper, BridgeFlags flags) throws IOException {
        this.keeper = keeper;
        this.flags = flags;
        PrivateSocket.makeDirectory(paths.calls());
        clients = new KeptClients(keeper, paths.calls(), client -> paths.calls(client.name()), _ -> true);
    }

    /** A server of what one socket serves. */
    static TtrpcServer server(TaskService service) {
        return TtrpcServer.builder()
                .addService(service)
                .addService(TaskServiceV3.of(service))
                .waiting(method -> method.endsWith("/Wait"))
                .build();
    }

    /**
     * Hears the keeper from now on.
     *
     * @param before what a process before this one has left with it
     */
    void start(List<Held> before) throws IOException {
        synchronized (this) {
            for (var each : before) {
                if (each.name().startsWith(CALL)) {
                    Thread.ofVirtual().name("call").start(() -> holdOn(each));
                } else if (each.isListening()) {
                    listeners.put(each.name(), each);
                } else {
                    waiting.add(each);
                }
            }
            clients.inherit(waiting);
        }
        keeper.start(this::arrived, this::lost);
    }

    /**
     * Serves those who come to a socket, and those who came to it in a process before this one.
     *
     * @param name tells this container from all others, also from one that had its id before
     */
    Door open(String name, Path path, TtrpcServer server) throws IOException {
        Door door;
        List<Held> early = new ArrayList<>();
        synchronized (this) {
            var before = inherited(name, path);
            door = new Door(name, path, before == null ? listen(path) : UnixSocket.of(before.fd()), server);
            doors.put(name, door);
            if (before == null) {
                keeper.listen(name, door.listener.fd());
            }
            waiting.removeIf(client -> client.listener().equals(name) && early.add(client));
        }
        door.acceptUnlessKept();
        early.forEach(client -> clients.serve(server, client, true));
        return door;
    }

    /** Listens. What lies at the path is taken away: who calls holds the lock that makes it ours. */
    private static UnixSocket listen(Path path) throws IOException {
        PrivateSocket.prepare(path);
        var listener = UnixSocket.listen(path);
        PrivateSocket.restrict(path);
        return listener;
    }

    /** The listener that the keeper holds; null if there is none, or nobody finds it: somebody has removed its name. */
    @GuardedBy("this")
    private @Nullable Held inherited(String name, Path path) {
        var held = listeners.remove(name);
        if (held == null || Files.exists(path)) {
            return held;
        }
        ShimLog.warn("a socket was removed; making it again", "path", path);
        held.fd().close();
        return null;
    }

    /** Whether there is a keeper now. */
    boolean isKept() {
        return keeper.isThere();
    }

    /**
     * That all containers are served that there are. Who is still connected for one that is no more gets the answers
     * that he waits for, and hears that there is no such container.
     */
    void complete() {
        List<Held> left;
        synchronized (this) {
            isComplete = true;
            left = List.copyOf(waiting);
            waiting.clear();
            for (var listener : listeners.values()) {
                keeper.drop(listener.name());
                listener.fd().close();
            }
            listeners.clear();
        }
        left.forEach(this::arrived);
    }

    /** What to run whenever a client has come; must not block. */
    void onArrival(Runnable action) {
        arrival = action;
    }

    /** A client that the keeper has accepted. */
    private void arrived(Held client) {
        arrival.run();
        Door door;
        synchronized (this) {
            door = doors.get(client.listener());
            if (door == null && !isComplete) {
                waiting.add(client);
                return;
            }
        }
        // Rather a call than a client is lost: containerd takes the end of a connection for that of the container.
        clients.serve(door == null ? nobodys : door.server, client, true);
    }

    /** What no process before this one, nor after it, calls anything. */
    private String serial() {
        return ProcessHandle.current().pid() + "." + serials.incrementAndGet();
    }

    /**
     * A connection to a v1 shim for one call that changes something; null if it cannot outlive this process, where a
     * shim has an abstract address.
     *
     * <p>A v1 shim ends what it does for a client that hangs up: it kills the runtime half-way through an exec, whose
     * process may run by then, and panics when that exec is started once more (containerd v1.6.20, pkg/process/exec.go
     * setExited).
     */
    @Nullable
    TtrpcChannel dial(String container, ShimSocket address) throws IOException {
        if (!(address instanceof ShimSocket.Named(Path path))) {
            return null;
        }
        var socket = connect(path);
        var name = CALL + container + " " + serial();
        keeper.keep(name, socket.fd());
        return TtrpcChannel.over(new KeptPeer(socket, () -> keeper.drop(name)), path.toString());
    }

    private static UnixSocket connect(Path path) throws IOException {
        var deadline = Deadline.in(ROOM);
        while (true) {
            try {
                return UnixSocket.connect(path);
            } catch (ErrnoException e) {
                if (e.errno() != Errno.EAGAIN || deadline.isOver()) {
                    throw new IOException(e.errno() == Errno.ECONNREFUSED ? "Connection refused" : e.getMessage(), e);
                }
            }
            Deadline.pause(RETRY_CONNECT);
        }
    }

    /** Holds the connection of a call that a process before this one has begun until the v1 shim has answered it. */
    private void holdOn(Held call) {
        try (var socket = UnixSocket.of(call.fd())) {
            // A v1 shim writes a short answer in one go. What it says shows in the state of the process.
            var _ = socket.receive(1 << 10, ShimLink.VERY_SLOW);
        } catch (IOException e) {
            ShimLog.warn("the connection of a call is lost", "call", call.name(), "error", e);
        }
        keeper.drop(call.name());
    }

    /** Says that this process has come up; from now on it is started again whenever it dies. */
    void serving() {
        keeper.serving();
        keeper.replaceIfOther(ownTree.resolve(Keeper.PROGRAM));
    }

    /** Reads no more, and waits until calls have been answered: for a process that is about to end. */
    void quiet(Duration grace) {
        try (var all = Executors.newVirtualThreadPerTaskExecutor()) {
            for (var door : doors()) {
                var _ = all.submit(() -> door.server.quiet(grace));
            }
        }
    }

    private synchronized List<Door> doors() {
        return List.copyOf(doors.values());
    }

    /** In a virtual thread: the keeper has died. This process goes on alone, and starts another one. */
    private void lost() {
        ShimLog.error("the keeper has died: starting another one");
        doors().forEach(Door::acceptUnlessKept);
        try {
            while (!revive()) {
                Deadline.pause(RETRY);
            }
            // Both accept for a moment; what comes to either is served.
            doors().forEach(Door::leaveToKeeper);
            ShimLog.info("another keeper has taken over");
        } catch (InterruptedIOException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Not more often than every now and then, should each of them die at once. */
    private boolean revive() {
        if (System.nanoTime() - revived < RETRY.toNanos()) {
            return false;
        }
        revived = System.nanoTime();
        try {
            keeper.revive(ownTree.resolve(Keeper.PROGRAM), flags.keeperArguments(ownTree), this::arrived, this::lost);
            return true;
        } catch (IOException e) {
            ShimLog.error("cannot start a keeper; continuing without one", "error", e);
            return false;
        }
    }

    /**
     * The listening socket of one adopted container, and the way in for its clients. Who accepts them is the keeper, so
     * that none is lost between accepting and holding; this process does so while there is no keeper. Thread-safe.
     */
    final class Door implements AutoCloseable {
        private final String name;
        private final Path path;
        private final UnixSocket listener;
        private final TtrpcServer server;
        private @Nullable Thread accepting;

        /** A door through which nobody comes yet. The keeper knows the listener by the name. */
        private Door(String name, Path path, UnixSocket listener, TtrpcServer server) {
            this.name = name;
            this.path = path;
            this.listener = listener;
            this.server = server;
        }

        /** Accepts clients in this process, while there is no keeper to do it. */
        private synchronized void acceptUnlessKept() {
            if (!isKept() && accepting == null) {
                listener.resumeReading();
                accepting = Thread.ofVirtual().name("door").start(this::accept);
            }
        }

        /** Accepts nobody here any more. Blocks until that is so. */
        private void leaveToKeeper() {
            Thread thread;
            synchronized (this) {
                thread = accepting;
                accepting = null;
            }
            if (thread != null) {
                listener.stopReading();
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
        }

        private void accept() {
            try {
                while (true) {
                    try {
                        var client = new Held(name + "#here-" + serial(), listener.acceptFd(), false);
                        keeper.keep(client.name(), client.fd());
                        arrived(client);
                    } catch (ErrnoException e) {
                        ShimLog.warn("cannot accept a client", "error", e);
                        Deadline.pause(OUT_OF_DESCRIPTORS);
                    }
                }
            } catch (IOException e) {
                // Nobody is to be accepted here any more.
            }
        }

        /** Lets nobody in any more, and removes the socket's name. */
        @Override
        public void close() {
            synchronized (TaskDoors.this) {
                doors.remove(name, this);
                keeper.drop(name);
            }
            listener.close();
            try {
                Files.deleteIfExists(path);
            } catch (IOException e) {
                ShimLog.warn("could not remove a socket", "path", path, "error", e);
            }
        }
    }
}
