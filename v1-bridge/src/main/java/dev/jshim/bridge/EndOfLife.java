package dev.jshim.bridge;

import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.ExitedChild;
import dev.jshim.linux.MountPoint;
import dev.jshim.linux.Mounts;
import dev.jshim.linux.Processes;
import dev.jshim.linux.Spawn;
import dev.jshim.linux.UnixSocket;
import dev.jshim.linux.Wait;
import dev.jshim.node.ShimSocket;
import dev.jshim.shim.FaultPoint;
import dev.jshim.shim.log.ShimLog;
import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the v1 daemon did after a container was deleted (containerd v1.6.20, runtime/v1/linux/task.go and bundle.go): it
 * ended the shim and took away socket, bundle, work directory and mounts. Nothing here runs before the container has
 * been deleted; each step can be repeated.
 *
 * <p>The OCI runtime's own state went with the deletion. Where the v1 shim died before it could delete, the launcher's
 * {@code delete} runs the OCI runtime to clean up; containerd calls that when it sees our connection end, but also
 * takes the bundle away at that moment, without which nothing can be run (core/runtime/v2/shim.go delete, v2.1.9). What
 * is left then is cleaned up here.
 */
final class EndOfLife {
    /** The answer that the launcher's {@code delete} prints, left in the v2 bundle. */
    static final String EXIT_FILE = "exit.pb";

    private static final Duration SHIM_DEATH = Duration.ofSeconds(2);
    private static final Duration SOCKET_ENDS = Duration.ofSeconds(1);
    /** containerd gives that {@code delete} 5 s. */
    private static final Duration RUNTIME_DELETES = Duration.ofSeconds(6);
    /** What a runtime gets here, and a moment for who kills it then. */
    private static final Duration RUNTIME = Duration.ofSeconds(10);

    private static final Duration LOOK = Duration.ofMillis(5);

    private final LegacyRecord record;
    private final Duration othersDelete;

    EndOfLife(LegacyRecord record) {
        this(record, RUNTIME_DELETES);
    }

    /** @param othersDelete how long the launcher's {@code delete} is waited for */
    EndOfLife(LegacyRecord record, Duration othersDelete) {
        this.record = record;
        this.othersDelete = othersDelete;
    }

    /**
     * Takes away the name of the socket on which the v1 shim listens, if it does: of this name is also that of a v2
     * shim for the next container of the id.
     */
    void removeOwnSocket() {
        if (ShimSocket.parse(record.socket()) instanceof ShimSocket.Named(Path path)) {
            try (var socket = UnixSocket.connect(path)) {
                if (socket.peerPid() == record.shim().pid() && record.shim().isAlive()) {
                    Files.deleteIfExists(path);
                }
            } catch (IOException e) {
                // Nobody listens, or it is mute: see below.
            }
        }
    }

    /** Ends the v1 shim and takes away all that was its own. Blocks for some seconds at most. */
    void finish() {
        if (record.init().isAlive()) {
            leave("init outlived its deletion");
            return;
        }
        if (DeletionCheck.isAnothers(record)) {
            leave("another container has the id now");
            return;
        }
        FaultPoint.at("end-begun");
        step("end the v1 shim", this::endShim);
        FaultPoint.at("end-shim");
        step("remove the v1 socket", this::removeSocket);
        awaitRuntime();
        step("delete the runtime's state", this::deleteState);
        step("remove the v1 bundle", () -> removeTree(record.v1Bundle()));
        FaultPoint.at("end-bundle");
        step("remove the v1 work directory", () -> removeTree(record.v1Work()));
        ShimLog.info("the v1 shim and its files are gone", "ns", record.namespace(), "id", record.id());
    }

    private void leave(String why) {
        ShimLog.warn(why + ": nothing of v1 is touched", "ns", record.namespace(), "id", record.id());
    }

    /**
     * Where the v1 shim died before it could delete, the launcher's {@code delete} runs the OCI runtime: it looks into
     * the v1 bundle to see whose the runtime's state is, and containerd calls it after we were told to end.
     */
    private void awaitRuntime() {
        var end = System.nanoTime() + othersDelete.toNanos();
        while (LeftState.isThere(record) && System.nanoTime() < end) {
            try {
                Thread.sleep(20);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    /**
     * Not by force: should another container have come to the id in this very moment, a runtime refuses while it runs.
     */
    private void deleteState() throws IOException {
        if (!LeftState.isThere(record)) {
            return;
        }
        var root = record.runtimeRoot().toString();
        var pid = Spawn.command(record.runtime(), List.of("--root", root, "delete", record.id()))
                .directory(Path.of("/"))
                .start();
        var exit = exit(pid);
        if (exit == null) {
            throw new IOException(record.runtime() + " does not end");
        }
        if (exit.exitStatus() != 0) {
            throw new IOException(record.runtime() + " ended with " + exit.exitStatus());
        }
    }

    /** How a child has ended; null where it did not, and was killed. */
    private static @Nullable ExitedChild exit(int pid) throws IOException {
        var end = System.nanoTime() + RUNTIME.toNanos();
        try {
            var exit = Wait.poll(pid, true);
            while (exit == null && System.nanoTime() < end) {
                Thread.sleep(LOOK);
                exit = Wait.poll(pid, true);
            }
            if (exit != null) {
                return exit;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Processes.kill(pid, Processes.SIGKILL);
        Thread.ofPlatform().daemon().name("reap-" + pid).start(() -> reap(pid));
        return null;
    }

    private static void reap(int pid) {
        try {
            var _ = Wait.pid(pid, true);
        } catch (ErrnoException e) {
            ShimLog.warn("cannot wait for a runtime that was killed", "pid", pid, "error", e.getMessage());
        }
    }

    /** A step of the clean-up. */
    private interface Step {
        void run() throws IOException;
    }

    private void step(String what, Step step) {
        try {
            step.run();
        } catch (IOException | RuntimeException e) {
            ShimLog.warn("could not " + what, "ns", record.namespace(), "id", record.id(), "error", e);
        }
    }

    private void endShim() throws IOException {
        if (!record.shim().signal(Processes.SIGKILL)) {
            return;
        }
        var end = System.nanoTime() + SHIM_DEATH.toNanos();
        while (record.shim().isAlive() && System.nanoTime() < end) {
            try {
                Thread.sleep(5);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    /**
     * Its name is made of the container's id, in the same way by a v1 and a v2 shim: a container that has the id now
     * listens there. Of one that was killed the last thread may be a moment behind.
     */
    private void removeSocket() throws IOException {
        if (!(ShimSocket.parse(record.socket()) instanceof ShimSocket.Named(Path path))) {
            return;
        }
        var end = System.nanoTime() + SOCKET_ENDS.toNanos();
        while (isListening(path)) {
            if (System.nanoTime() > end) {
                ShimLog.info(
                        "somebody listens where the v1 shim did: left alone",
                        "ns",
                        record.namespace(),
                        "id",
                        record.id(),
                        "path",
                        path);
                return;
            }
            try {
                Thread.sleep(50);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
        Files.deleteIfExists(path);
    }

    private static boolean isListening(Path socket) {
        try (var channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.configureBlocking(false);
            channel.connect(UnixDomainSocketAddress.of(socket));
            return true;
        } catch (ConnectException e) {
            return false;
        } catch (IOException e) {
            // One that is there and does not refuse: so many wait for somebody to be accepted that there is no room.
            return Files.exists(socket);
        }
    }

    /** Removes a directory, never what is mounted in it: where that cannot be taken away, the directory stays. */
    private static void removeTree(Path tree) throws IOException {
        if (!Files.isDirectory(tree)) {
            return;
        }
        Mounts.unmountRecursive(tree);
        var real = tree.toRealPath().toString();
        for (var mount : MountPoint.all()) {
            if (mount.path().equals(real) || mount.path().startsWith(real + "/")) {
                throw new IOException(mount.path() + " is still mounted");
            }
        }
        removeUnmounted(tree);
    }

    /** Removes a directory in which nothing is mounted. Links are removed, not followed. */
    static void removeUnmounted(Path tree) throws IOException {
        Files.walkFileTree(tree, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.deleteIfExists(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException failure)
                    throws IOException {
                if (failure != null) {
                    throw failure;
                }
                Files.deleteIfExists(directory);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException failure) throws IOException {
                if (failure instanceof NoSuchFileException) {
                    return FileVisitResult.CONTINUE;
                }
                throw failure;
            }
        });
    }
}
