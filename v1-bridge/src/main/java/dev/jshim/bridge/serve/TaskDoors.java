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
import dev.jshim.shim.keeper.KeptPeer;
import dev.jshim.shim.task.TaskRegistry;
import dev.jshim.shim.task.TaskService;
import dev.jshim.shim.task.TaskServiceV3;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimLog;
import dev.jshim.task.ShimSocket;
import dev.jshim.ttrpc.CallNotes;
import dev.jshim.ttrpc.TtrpcChannel;
import dev.jshim.ttrpc.TtrpcServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
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

    private final BridgePaths paths;
    private final @Nullable Keeper keeper;
    private final Path keeperProgram;
    private final BridgeFlags flags;
    private final AtomicLong accepted = new AtomicLong();
    /** When a keeper was started last, as {@link System#nanoTime}. */
    private final AtomicLong revived = new AtomicLong(System.nanoTime() - RETRY.toNanos());

    /** By the name of the listener. */
    @GuardedBy("this")
    private final Map<String, Door> doors = new HashMap<>();

    /** Listeners of a process before this one. */
    @GuardedBy("this")
    private final Map<String, Held> listeners = new HashMap<>();

    /** Clients whose container is not served yet; null when those that are left belong to none. */
    @GuardedBy("this")
    private @Nullable List<Held> waiting = new ArrayList<>();

    @GuardedBy("this")
    private @Nullable TtrpcServer nobodys;

    private volatile Runnable arrival = () -> {};

    /**
     * The sockets of a bridge that serves nobody yet.
     *
     * @param keeper null where sockets need not outlive the process
     * @param flags with which a keeper is started in the place of one that has died
     */
    TaskDoors(BridgePaths paths, @Nullable Keeper keeper, BridgeFlags flags) throws IOException {
        this.paths = paths;
        this.keeper = keeper;
        keeperProgram = BridgeFlags.ownTree().resolve(Keeper.PROGRAM);
        this.flags = flags;
        PrivateSocket.makeDirectory(paths.calls());
    }

    /** Knows from now on what a process before this one has left with the keeper. */
    synchronized void inherit(List<Held> all) throws IOException {
        var clients = waiting();
        for (var each : all) {
            if (each.name().startsWith(CALL)) {
                Thread.ofVirtual().name("call").start(() -> holdOn(each));
            } else if (each.isListening()) {
                listeners.put(each.name(), each);
            } else {
                clients.add(each);
            }
        }
        // Of connections that ended while no process ran, and of a bridge that had no keeper.
        var known = clients.stream().map(client -> paths.calls(client.name())).toList();
        try (var files = Files.newDirectoryStream(paths.calls())) {
            for (var file : files) {
                if (!known.contains(file)) {
                    Files.deleteIfExists(file);
                }
            }
        }
    }

    @GuardedBy("this")
    private List<Held> waiting() {
        var all = waiting;
        if (all == null) {
            throw new IllegalStateException("all are served already");
        }
        return all;
    }

    /**
     * Serves those who come to a socket, and those who came to it in a process before this one.
     *
     * @param name tells this container from all others, also from one that had its id before
     */
    Door open(String name, Path path, TtrpcServer server) throws IOException {
        Door door;
        List<Held> clients = new ArrayList<>();
        synchronized (this) {
            var before = inherited(name, path);
            var listener = before == null ? listen(path) : UnixSocket.of(before.fd());
            door = new Door(name, path, listener, server);
            doors.put(name, door);
            if (keeper != null && before == null) {
                keeper.listen(name, listener.fd());
            }
            var all = waiting;
            if (all != null) {
                all.removeIf(client -> client.listener().equals(name) && clients.add(client));
            }
            if (!isKept()) {
                door.open();
            }
        }
        clients.forEach(client -> serve(server, client));
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
        return keeper != null && keeper.isThere();
    }

    /**
     * That all containers are served that there are. Who is still connected for one that is no more gets the answers
     * that he waits for, and hears that there is no such container.
     */
    void complete() {
        List<Held> left;
        synchronized (this) {
            left = waiting();
            waiting = null;
            for (var listener : listeners.values()) {
                drop(listener.name());
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
        TtrpcServer server;
        synchronized (this) {
            door = doors.get(client.listener());
            if (door == null && waiting != null) {
                waiting.add(client);
                return;
            }
            server = door == null ? nobodys() : door.server;
        }
        serve(server, client);
    }

    @GuardedBy("this")
    private TtrpcServer nobodys() {
        var server = nobodys;
        if (server == null) {
            var service = new TaskService(
                    new TaskRegistry(),
                    request -> {
                        throw ShimException.failedPrecondition("this container no longer exists");
                    },
                    event -> {},
                    () -> {});
            server = TtrpcServer.builder()
                    .addService(service)
                    .addService(TaskServiceV3.of(service))
                    .build();
            nobodys = server;
        }
        return server;
    }

    /** What no process before this one, nor after it, calls anything. */
    private String serial() {
        return ProcessHandle.current().pid() + "." + accepted.incrementAndGet();
    }

    /** Serves a client by that server, and goes on where a process before this one has stopped. */
    private void serve(TtrpcServer server, Held client) {
        UnixSocket socket = null;
        try {
            socket = UnixSocket.of(client.fd());
            serve(server, client, new KeptPeer(socket, () -> drop(client.name())));
        } catch (IOException | RuntimeException e) {
            ShimLog.error("cannot serve a client", "client", client.name(), "error", e);
            if (socket != null) {
                socket.shutdown();
                socket.close();
            }
            drop(client.name());
        }
    }

    private void serve(TtrpcServer server, Held client, KeptPeer peer) {
        try {
            server.serve(peer, CallNotes.open(paths.calls(client.name())));
        } catch (IOException e) {
            ShimLog.warn("cannot note the calls of a client", "client", client.name(), "error", e);
            server.serve(peer);
        }
    }

    /**
     * A connection to a v1 shim for one call that changes something; null if it need not outlive this process, or
     * cannot where a shim has an abstract address.
     *
     * <p>A v1 shim ends what it does for a client that hangs up: it kills the runtime half-way through an exec, whose
     * process may run by then, and panics when that exec is started once more (containerd v1.6.20, pkg/process/exec.go
     * setExited).
     */
    @Nullable
    TtrpcChannel dial(String container, ShimSocket address) throws IOException {
        var own = keeper;
        if (own == null || !(address instanceof ShimSocket.Named(Path path))) {
            return null;
        }
        var socket = connect(path);
        var name = CALL + container + " " + serial();
        own.keep(name, socket.fd());
        return TtrpcChannel.over(new KeptPeer(socket, () -> drop(name)), path.toString());
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
        drop(call.name());
    }

    private void drop(String name) {
        if (keeper != null) {
            keeper.drop(name);
        }
    }

    /** How many processes of this keeper's there were before this one. */
    int restarts() {
        return keeper == null ? 0 : keeper.restarts();
    }

    /** Hears the keeper from now on. */
    void start() {
        if (keeper != null) {
            keeper.start(this::arrived, this::lost);
        }
    }

    /** Says that this process has come up; from now on it is started again whenever it dies. */
    void serving() {
        if (keeper != null) {
            keeper.serving();
            keeper.replaceIfOther(keeperProgram);
        }
    }

    /** Says that this process ends for good. */
    void end() {
        if (keeper != null) {
            keeper.end();
        }
    }

    /**
     * Says what is to be started when this process has ended.
     *
     * @return false without a keeper
     */
    boolean next(List<String> command) {
        if (!isKept() || keeper == null) {
            return false;
        }
        return keeper.next(command);
    }

    /** Reads no more, and waits until calls have been answered: for a process that is about to end. */
    void quiet(Duration grace) throws InterruptedException {
        List<TtrpcServer> servers;
        synchronized (this) {
            servers = doors.values().stream().map(door -> door.server).toList();
        }
        var waits = servers.stream()
                .map(server -> Thread.ofVirtual().start(() -> {
                    try {
                        var _ = server.quiet(grace);
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                }))
                .toList();
        for (var thread : waits) {
            thread.join();
        }
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** In a virtual thread: the keeper has died. This process goes on alone, and starts another one. */
    private void lost() {
        ShimLog.error("the keeper has died: starting another one");
        forEachDoor(Door::open);
        var isAtOnce = System.nanoTime() - revived.get() > RETRY.toNanos();
        while (true) {
            try {
                if (isAtOnce) {
                    revived.set(System.nanoTime());
                    revive();
                    ShimLog.info("another keeper has taken over");
                    return;
                }
            } catch (IOException e) {
                ShimLog.error("cannot start a keeper; continuing without one", "error", e);
            }
            isAtOnce = true;
            try {
                Thread.sleep(RETRY);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    private void revive() throws IOException {
        var own = keeper;
        if (own != null) {
            // From here on it accepts; what comes to both of us is served by either.
            own.revive(keeperProgram, flags.keeperArguments(BridgeFlags.ownTree()), this::arrived, this::lost);
            forEachDoor(Door::shut);
        }
    }

    private void forEachDoor(Consumer<Door> action) {
        List<Door> all;
        synchronized (this) {
            all = List.copyOf(doors.values());
        }
        all.forEach(action);
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
        private boolean closed;

        /** A door through which nobody comes yet. The keeper knows the listener by the name. */
        private Door(String name, Path path, UnixSocket listener, TtrpcServer server) {
            this.name = name;
            this.path = path;
            this.listener = listener;
            this.server = server;
        }

        /** Accepts clients in this process, while there is no keeper to do it. */
        private synchronized void open() {
            if (!closed && accepting == null) {
                listener.resumeReading();
                accepting = Thread.ofVirtual().name("door").start(this::accept);
            }
        }

        /** Accepts nobody here any more. Blocks until that is so. */
        private void shut() {
            Thread thread;
            synchronized (this) {
                thread = accepting;
                accepting = null;
            }
            if (thread != null) {
                listener.stopReading();
                join(thread);
            }
        }

        private void accept() {
            try {
                while (true) {
                    try {
                        var client = new Held(name + "#here-" + serial(), listener.acceptFd(), false);
                        arrival.run();
                        if (keeper != null) {
                            keeper.keep(client.name(), client.fd());
                        }
                        serve(server, client);
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
            synchronized (this) {
                closed = true;
            }
            synchronized (TaskDoors.this) {
                doors.remove(name, this);
                drop(name);
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
