package dev.jshim.bridge.end;

import dev.jshim.bridge.record.AdoptedNotes;
import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.bridge.record.Directories;
import dev.jshim.bridge.v1.ShimLink;
import dev.jshim.linux.Deadline;
import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.ExitedChild;
import dev.jshim.linux.Mounts;
import dev.jshim.linux.Processes;
import dev.jshim.linux.Spawn;
import dev.jshim.linux.Wait;
import dev.jshim.node.NodePaths;
import dev.jshim.node.shim.RuntimeState;
import dev.jshim.shim.keeper.FaultPoint;
import dev.jshim.shim.oci.BundleFiles;
import dev.jshim.task.Exit;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimException.Kind;
import dev.jshim.task.ShimLog;
import dev.jshim.task.ShimSocket;
import dev.jshim.task.client.V1Task;
import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The end of an adopted container: what the v1 daemon did after a deletion (containerd v1.6.20,
 * runtime/v1/linux/task.go and bundle.go). It ended the shim and removed socket, bundle, work directory and mounts.
 * Nothing of that is done before the container was deleted. Each step can be repeated.
 *
 * <p>That a container is about to be deleted is noted first ({@link AdoptedNotes}): a bridge that died before it had
 * cleared away what was of v1 would leave nothing to tell the next one of it.
 *
 * <p>The OCI runtime's own state goes with the deletion. If the v1 shim died before it could delete, the launcher's
 * {@code delete} runs the OCI runtime to clean up; containerd calls that when it sees our connection end, but also
 * takes the bundle away at that moment, without which nothing can be run (core/runtime/v2/shim.go delete, v2.1.9). What
 * is left then is cleaned up here. Thread-safe.
 */
public final class Cleanup {
    /** How far the deletion of a container has got; for the bridge after one that died. */
    public enum Progress {
        /** It was deleted: shim, socket, bundle and work directory are to be removed. */
        DELETED,
        /** It was not: it has exited, and its v1 shim still has it, or has died before it could delete it. */
        STOPPED,
        /** It lives, or another one has its id: nothing may be removed. */
        PRESENT,
        /** Its shim does not answer. */
        UNKNOWN
    }

    /** The answer that the launcher's {@code delete} prints, left in the v2 bundle. */
    public static final String EXIT_FILE = "exit.pb";
    /** What containerd itself reports if it does not know. */
    public static final int UNKNOWN_EXIT = 255;

    private static final Duration SHIM_DEATH = Duration.ofSeconds(2);
    private static final Duration SOCKET_ENDS = Duration.ofSeconds(1);
    /** containerd gives that {@code delete} 5 s. */
    private static final Duration RUNTIME_DELETES = Duration.ofSeconds(6);
    /** What a runtime gets here, and a moment for who kills it then. */
    private static final Duration RUNTIME = Duration.ofSeconds(10);

    private static final Duration LOOK = Duration.ofMillis(5);
    private static final Duration SLOW_LOOK = Duration.ofMillis(20);

    private final AdoptedNotes notes;
    private final AdoptedRecord record;
    private final Duration othersDelete;

    /** That of a container, whether it is noted or not. */
    public Cleanup(AdoptedNotes notes) {
        this(notes, RUNTIME_DELETES);
    }

    /** @param othersDelete how long the launcher's {@code delete} is waited for */
    Cleanup(AdoptedNotes notes, Duration othersDelete) {
        this.notes = notes;
        this.record = notes.record();
        this.othersDelete = othersDelete;
    }

    /** Those that were noted and are not done, whoever noted them. */
    public static List<Cleanup> noted(BridgePaths paths) throws IOException {
        return AdoptedNotes.all(paths).stream()
                .filter(AdoptedNotes::isBeingDeleted)
                .map(Cleanup::new)
                .toList();
    }

    /**
     * The v1 bundles of containers that their v1 shims have deleted, and that the bridge is about to remove: nobody
     * needs them any more. Changes nothing.
     */
    public static Set<Path> deletedBundles(BridgePaths paths) {
        try {
            return AdoptedNotes.all(paths).stream()
                    .filter(notes -> notes.isDeleted() && !notes.record().isAnothers())
                    .map(notes -> notes.record().v1Bundle())
                    .collect(Collectors.toSet());
        } catch (IOException e) {
            return Set.of(); // What is not known to be deleted exists.
        }
    }

    public AdoptedNotes notes() {
        return notes;
    }

    public AdoptedRecord record() {
        return record;
    }

    private void warn(String what, Exception e) {
        ShimLog.warn(what, record.named("error", e));
    }

    /** Looks at the processes, the v1 bundle and the v1 shim. Blocks for its answer, at most {@link ShimLink#QUICK}. */
    public Progress progress() {
        if (record.init().isAlive() || record.isAnothers()) {
            return Progress.PRESENT;
        }
        if (!record.shim().isAlive()) {
            return hasRuntimeState() ? Progress.STOPPED : Progress.DELETED;
        }
        if (notes.isDeleted()) {
            return Progress.DELETED;
        }
        try (var link = ShimLink.to(record)) {
            var _ = shim(link).state("");
            return Progress.STOPPED;
        } catch (ShimException e) {
            return e.kind() == Kind.NOT_FOUND || e.kind() == Kind.FAILED_PRECONDITION
                    ? Progress.DELETED
                    : Progress.UNKNOWN;
        }
    }

    private V1Task shim(ShimLink link) {
        return new V1Task(record.id(), record.v1Bundle(), link.quick());
    }

    /**
     * Whether the OCI runtime still has the state of this very container. Another container may have its id by now,
     * under the same root. The state itself has init's pid and start time; one without them is not ours.
     */
    public boolean hasRuntimeState() {
        var state = RuntimeState.read(record.runtimeRoot().resolve(record.id()));
        var init = state == null ? null : state.init();
        if (state == null || init == null || init.pid() != record.init().pid()) {
            return false;
        }
        // If it had exited before it was adopted, no start time is known.
        return record.init().startTicks() == 0 ? isV1Bundle(state.bundle()) : init.equals(record.init());
    }

    private boolean isV1Bundle(@Nullable Path bundle) {
        try {
            return bundle != null
                    && bundle.toRealPath().equals(record.v1Bundle().toRealPath());
        } catch (IOException e) {
            return false;
        }
    }

    /**
     * Deletes the container if the bridge died before it had: containerd takes a Delete whose connection was lost for
     * done (core/runtime/v2/shim.go, v2.1.9) and does not ask again. Blocks for the v1 shim, at most
     * {@link ShimLink#SLOW}. If that has died, {@link #finish} deletes what is left.
     *
     * @throws ShimException the v1 shim's error, or that it does not answer
     */
    public void deleteNow() {
        if (record.shim().isAlive()) {
            try (var link = ShimLink.to(record)) {
                var exit = shim(link).delete("");
                if (notes.exit() == null) {
                    notes.deleting(exit);
                }
            }
        }
    }

    /** Whether the bundle that the adoption added exists, and is still this container's. */
    public boolean hasBundle(NodePaths node) {
        var there = AdoptedRecord.readable(node.v2Bundle(record.task()));
        return there != null
                && there.isOf(node.v2Bundle(record.task()))
                && there.init().equals(record.init());
    }

    /** Leaves the answer for the launcher's {@code delete} in the bundle, if that is still the container's. */
    public void answer(NodePaths node) {
        var bundle = node.v2Bundle(record.task());
        if (hasBundle(node) && !Files.exists(bundle.resolve(EXIT_FILE))) {
            var exit = notes.exit();
            var unknown = new Exit(record.init().pid(), UNKNOWN_EXIT, Instant.now());
            step("leave the exit in the bundle", () -> BundleFiles.writeExit(bundle, exit == null ? unknown : exit));
        }
    }

    /**
     * Cleans up after what was deleted, for a rollback, when no bridge runs. What was not deleted yet belongs to the
     * old daemon again. Blocks for some seconds at most for each.
     */
    public static void finishDeleted(BridgePaths paths) throws IOException {
        for (var each : noted(paths)) {
            if (each.progress() == Progress.DELETED) {
                each.finish();
            }
            each.notes.over();
        }
    }

    /**
     * Deletes and cleans up all that was to be deleted, for the end of a migration, when no bridge runs and no old
     * daemon comes back. Blocks for some seconds for each, longer if a v1 shim takes its time.
     *
     * @throws IOException if a v1 shim does not do it; this can be repeated
     */
    public static void finishAll(BridgePaths paths) throws IOException {
        for (var each : noted(paths)) {
            var progress = each.progress();
            try {
                if (progress == Progress.UNKNOWN) {
                    throw new ShimException(Kind.UNAVAILABLE, "it does not answer");
                }
                if (progress == Progress.STOPPED) {
                    each.deleteNow();
                }
            } catch (ShimException e) {
                var record = each.record;
                throw new IOException(
                        "the v1 shim of " + record.key() + ", pid "
                                + record.shim().pid()
                                + ", was to delete its container, which has exited: " + e.getMessage()
                                + "; fix that shim, or end it, then retry",
                        e);
            }
            if (progress != Progress.PRESENT) {
                each.finish();
            }
            each.notes.over();
        }
    }

    /**
     * Removes the name of the v1 shim's socket, if it is the v1 shim that listens there: the v2 shim of the next
     * container with the id may use the same name. To be called when the shim has deleted its container.
     */
    public void removeOwnSocket() {
        if (ShimSocket.parse(record.socket()) instanceof ShimSocket.Named(Path path)) {
            // The kernel does not know who listens: the old daemon has created the socket, the shim has inherited it.
            try (var link = ShimLink.to(record)) {
                if (shim(link).shimPid() == record.shim().pid() && record.shim().isAlive()) {
                    notes.setDeleted();
                    FaultPoint.at("end-noted");
                    Files.deleteIfExists(path);
                }
            } catch (IOException | ShimException e) {
                ShimLog.info("not certain to be the v1 shim's socket; leaving it", "path", path, "error", e);
            }
        }
    }

    /** Ends the v1 shim and removes all that was its own. Blocks for some seconds at most. */
    public void finish() {
        if (record.init().isAlive()) {
            leave("init outlived its deletion");
            return;
        }
        if (record.isAnothers()) {
            leave("another container has the id now");
            return;
        }
        FaultPoint.at("end-begun");
        step("end the v1 shim", this::endShim);
        FaultPoint.at("end-shim");
        step("remove the v1 socket", this::removeSocket);
        // The launcher's delete, which containerd runs after Shutdown, reads the v1 bundle to identify the state.
        step("wait for delete", () -> await(othersDelete, SLOW_LOOK, () -> !hasRuntimeState()));
        step("delete the runtime's state", this::deleteState);
        step("remove the v1 bundle", () -> removeTree(record.v1Bundle()));
        FaultPoint.at("end-bundle");
        step("remove the v1 work directory", () -> removeTree(record.v1Work()));
        ShimLog.info("the v1 shim and its files are gone", record.named());
    }

    private void leave(String why) {
        ShimLog.warn(why + "; touching nothing of v1", record.named());
    }

    /** A step of the clean-up. */
    private interface Step {
        void run() throws IOException;
    }

    private void step(String what, Step step) {
        try {
            step.run();
        } catch (IOException | RuntimeException e) {
            warn("could not " + what, e);
        }
    }

    private static boolean await(Duration atMost, Duration look, Deadline.Condition condition) throws IOException {
        return Deadline.in(atMost).await(look, condition);
    }

    private void endShim() throws IOException {
        if (record.shim().signal(Processes.SIGKILL)) {
            var _ = await(SHIM_DEATH, LOOK, () -> !record.shim().isAlive());
        }
    }

    /**
     * v1 and v2 shims derive its name from the container's id in the same way: if another container has the id now, its
     * shim listens there. A shim that was killed may have a thread that ends a moment later.
     */
    private void removeSocket() throws IOException {
        if (ShimSocket.parse(record.socket()) instanceof ShimSocket.Named(Path path)) {
            if (await(SOCKET_ENDS, SLOW_LOOK, () -> !isListening(path))) {
                Files.deleteIfExists(path);
            } else {
                ShimLog.info(
                        "another process listens on the v1 shim's socket; leaving it alone",
                        "id",
                        record.id(),
                        "path",
                        path);
            }
        }
    }

    private static boolean isListening(Path socket) {
        try (var channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.configureBlocking(false);
            channel.connect(UnixDomainSocketAddress.of(socket));
            return true;
        } catch (ConnectException e) {
            return false;
        } catch (IOException e) {
            // It exists and does not refuse: its queue of connections is full.
            return Files.exists(socket);
        }
    }

    /** Without force: if another container has got the id in this moment, the runtime refuses because it runs. */
    private void deleteState() throws IOException {
        if (!hasRuntimeState()) {
            return;
        }
        var root = record.runtimeRoot().toString();
        var pid = Spawn.command(record.runtime(), List.of("--root", root, "delete", record.id()))
                .directory(Path.of("/"))
                .start();
        var ended = new AtomicReference<@Nullable ExitedChild>();
        var hasEnded = await(RUNTIME, LOOK, () -> {
            ended.set(Wait.poll(pid, true));
            return ended.get() != null;
        });
        var exit = ended.get();
        if (!hasEnded || exit == null) {
            Processes.kill(pid, Processes.SIGKILL);
            Thread.ofPlatform().daemon().name("reap-" + pid).start(() -> reap(pid));
            throw new IOException(record.runtime() + " did not exit");
        }
        if (exit.exitStatus() != 0) {
            throw new IOException(record.runtime() + " exited with " + exit.exitStatus());
        }
    }

    private static void reap(int pid) {
        try {
            var _ = Wait.pid(pid, true);
        } catch (ErrnoException e) {
            ShimLog.warn("cannot wait for a runtime that was killed", "pid", pid, "error", e.getMessage());
        }
    }

    /** Removes a directory, never what is mounted in it: if a mount cannot be undone, the directory stays. */
    private static void removeTree(Path tree) throws IOException {
        if (!Files.isDirectory(tree)) {
            return;
        }
        Mounts.unmountRecursive(tree);
        Directories.refuseMounts(tree, "is still mounted");
        Directories.removeUnmounted(tree);
    }
}
