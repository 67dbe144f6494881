package dev.jshim.bridge.serve;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import dev.jshim.bridge.end.Cleanup;
import dev.jshim.bridge.end.Orphan;
import dev.jshim.bridge.exit.AdoptedOoms;
import dev.jshim.bridge.exit.V1Exits;
import dev.jshim.bridge.exit.WatchedExit;
import dev.jshim.bridge.record.AdoptedNotes;
import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.bridge.v1.ShimLink;
import dev.jshim.bridge.v1.V1States;
import dev.jshim.linux.ErrnoException;
import dev.jshim.shim.keeper.FaultPoint;
import dev.jshim.task.ExecRequest;
import dev.jshim.task.Exit;
import dev.jshim.task.LastingTask;
import dev.jshim.task.ListedPid;
import dev.jshim.task.ProcessState;
import dev.jshim.task.ProcessStatus;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimException.Kind;
import dev.jshim.task.client.V1Calls;
import dev.jshim.task.client.V1Task;
import java.nio.file.Path;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiPredicate;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The task of an adopted container: a {@link V1Task}, and what its v1 shim cannot do. Every call but the wait for an
 * exit has a deadline. If the shim is dead, calls are answered as far as the processes themselves show it.
 */
public final class AdoptedTask implements LastingTask {
    private final AdoptedRecord record;
    private final Path bundle;
    private final AdoptedNotes notes;
    private final ShimLink link;
    private final V1Exits exits;
    private final Supplier<Message> stats;
    private final AdoptedOoms ooms;
    private final Orphan orphan;
    private final V1States states;

    private final Cleanup cleanup;
    private final Consumer<Exit> deleted;

    /**
     * The task of an adopted container. {@link #attach} begins to watch it.
     *
     * @param bundle the one that the adoption added
     * @param stats reads the container's cgroup
     * @param ooms watches it
     * @param orphan the same container, in case its shim is dead
     * @param cleanup asked how far a deletion has got
     * @param deleted called when the container was deleted and before that is answered, in the thread of the call
     */
    AdoptedTask(
            AdoptedNotes notes,
            Path bundle,
            ShimLink link,
            Supplier<Message> stats,
            AdoptedOoms ooms,
            Orphan orphan,
            Cleanup cleanup,
            Consumer<Exit> deleted) {
        this.record = notes.record();
        this.bundle = bundle;
        this.notes = notes;
        this.link = link;
        this.exits = new V1Exits(record, link, ooms::check, orphan);
        this.states = new V1States(record, bundle, link, exits::known);
        this.stats = stats;
        this.ooms = ooms;
        this.orphan = orphan;
        this.cleanup = cleanup;
        this.deleted = deleted;
    }

    /**
     * Begins to watch init and the existing execs.
     *
     * @return the exec ids; blocks until the shim has listed them, at most {@link ShimLink#QUICK}
     */
    List<String> attach() {
        exits.watch("");
        Map<String, Integer> execs = new LinkedHashMap<>();
        for (var each : pids()) {
            if (!each.execId().isEmpty()) {
                execs.put(each.execId(), each.pid());
            }
        }
        var listed = Set.copyOf(execs.keySet());
        notes.execs().forEach((execId, pid) -> {
            if (!execs.containsKey(execId)) {
                if (states.isGone(execId)) {
                    notes.deleted(execId, pid);
                } else {
                    execs.put(execId, pid);
                }
            }
        });
        execs.forEach((execId, pid) -> runs(execId, pid, listed.contains(execId)));
        return List.copyOf(execs.keySet());
    }

    private void runs(String execId, int pid, boolean isListed) {
        var exit = exits.watch(execId);
        if (pid != 0) {
            if (isListed) {
                exit.runs(pid);
            } else {
                exit.ran(pid);
            }
            notes.started(execId, pid);
        }
    }

    /**
     * Asks the shim whether it and its init are those of the record.
     *
     * @throws ShimException if not, or if it does not answer
     */
    void probe() {
        var shim = v1(link.quick());
        var shimPid = shim.shimPid();
        if (shimPid != record.shim().pid() || !record.shim().isAlive()) {
            throw ShimException.failedPrecondition("the shim that answers is pid " + shimPid + ", not "
                    + record.shim().pid());
        }
        var pid = shim.pid();
        if (pid != record.init().pid()) {
            throw ShimException.failedPrecondition("the shim's container is pid " + pid + ", not "
                    + record.init().pid());
        }
    }

    /** Closes the connections to the shim, which continues. */
    void detach() {
        exits.close();
        ooms.close();
        link.close();
    }

    /**
     * Whether each process that was started lives, or its exit was reported or is held back.
     *
     * @param isHeld whether an exit, by id and pid, is held back
     */
    boolean livesOrIsReported(BiPredicate<String, Integer> isHeld) {
        var all = exits.all();
        var isReported = isHeld.or(notes::isReported);
        return all.entrySet().stream().allMatch(each -> livesOrIsReported(each.getKey(), each.getValue(), isReported))
                && notes.execs().entrySet().stream()
                        .allMatch(each ->
                                all.containsKey(each.getKey()) || isReported.test(each.getKey(), each.getValue()));
    }

    private boolean livesOrIsReported(String execId, WatchedExit exit, BiPredicate<String, Integer> isReported) {
        var lives = execId.isEmpty() ? record.init().isAlive() : exit.isAlive();
        return lives || !exit.hasRun() || isReported.test(execId.isEmpty() ? id() : execId, exit.pid());
    }

    /** What is wrong with its shim, as far as the last call has shown; empty if nothing is. */
    String trouble() {
        if (!record.shim().isAlive()) {
            return "its v1 shim is dead";
        }
        return link.isMute() ? "its v1 shim does not answer" : "";
    }

    @Override
    public String id() {
        return record.id();
    }

    @Override
    public Path bundle() {
        return bundle;
    }

    @Override
    public int pid() {
        return record.init().pid();
    }

    @Override
    public ProcessState state(String execId) {
        return states.of(execId);
    }

    /** Waits for a call that changes the process: the shim holds its lock meanwhile. */
    @Override
    public ProcessState settled(String execId) {
        return states.of(execId, ShimLink.LOCKED);
    }

    @Override
    public void start(String execId, IntConsumer started) {
        exits.starting(execId, exit -> v1(execId).start(execId, pid -> started(exit, execId, pid, started)));
    }

    @Override
    public void startedBefore(String execId, int pid, IntConsumer started) {
        exits.starting(execId, exit -> started(exit, execId, pid, started));
    }

    private void started(WatchedExit exit, String execId, int pid, IntConsumer started) {
        exit.runs(pid);
        if (!execId.isEmpty()) {
            notes.started(execId, pid);
        }
        started.accept(pid);
    }

    /** Init's exit, which a bridge before this one has noted. */
    void endedBefore(Exit exit) {
        exits.forget("", exits.watched(""), exit);
    }

    @Override
    public Exit delete(String execId) {
        if (!execId.isEmpty()) {
            return deleteExec(execId);
        }
        notes.deleting(exitOf(""));
        FaultPoint.at("deletion-begun");
        Exit exit;
        try {
            exit = deleteNow("");
        } catch (ShimException e) {
            exit = deletedBefore(e);
        }
        exits.forget("", exits.watched(""), exit);
        states.forget("");
        deleted.accept(exit);
        return exit;
    }

    /** The exit of a process before its deletion, after which nobody knows it; null if there is none. */
    private @Nullable Exit exitOf(String execId) {
        var known = exits.known(execId);
        if (known != null) {
            return known;
        }
        try {
            return state(execId).exit();
        } catch (ShimException e) {
            // The deletion itself reports what is wrong.
            return null;
        }
    }

    @Override
    public @Nullable Exit deletedExec(String execId) {
        return notes.deleting(execId);
    }

    private Exit deleteExec(String execId) {
        var which = exits.watched(execId);
        var pid = notes.execs().get(execId);
        var last = exitOf(execId);
        if (last != null) {
            notes.deleting(execId, last);
        }
        try {
            var exit = deleteNow(execId);
            exits.forget(execId, which, exit);
            states.forget(execId);
            notes.deleted(execId, pid);
            return exit;
        } catch (ShimException e) {
            if (e.kind() == Kind.NOT_FOUND) {
                forgetOld(execId, pid);
            }
            throw e;
        }
    }

    /** A 1.x may have deleted an exec without the bridge: nothing of it may be taken for the next one with its id. */
    private void forgetOld(String execId, @Nullable Integer pid) {
        exits.forgetOld(execId);
        states.forget(execId);
        notes.deleted(execId, pid);
    }

    /** A deletion that took longer than its client waited is done all the same, and not done again. */
    private Exit deletedBefore(ShimException e) {
        var isThere = e.kind() != Kind.NOT_FOUND && e.kind() != Kind.FAILED_PRECONDITION;
        if (isThere || cleanup.progress() != Cleanup.Progress.DELETED) {
            if (e.kind() != Kind.UNAVAILABLE && e.kind() != Kind.DEADLINE_EXCEEDED) {
                notes.notDeleted();
            }
            throw e;
        }
        var known = exits.known("");
        var noted = known == null ? notes.exit() : known;
        return noted == null ? new Exit(pid(), Cleanup.UNKNOWN_EXIT, Instant.now()) : noted;
    }

    private Exit deleteNow(String execId) {
        try {
            return v1(execId).delete(execId);
        } catch (ShimException e) {
            // Nothing can be done any more with a container that has ended, and whose shim is dead: it counts as
            // deleted.
            var known = exits.known(execId);
            if (e.kind() != Kind.UNAVAILABLE || known == null || record.shim().isAlive()) {
                throw e;
            }
            return known;
        }
    }

    /**
     * The container's processes. The answer is never an error if the container lives, and has init if it has exited:
     * containerd takes anything else for a leaked task, which it cleans up (core/runtime/v2/shim_load.go, v2.1.4).
     */
    @Override
    public List<ListedPid> pids() {
        try {
            var listed = v1("").pids();
            if (!listed.isEmpty()) {
                return listed;
            }
        } catch (ShimException e) {
            // A v1 shim answers this after Delete, and never for a container that lives; if it did, it would be wrong.
            if (e.kind() == Kind.FAILED_PRECONDITION && !record.init().isAlive()) {
                throw new ShimException(Kind.NOT_FOUND, "container " + id() + " has been deleted", e);
            }
        }
        return List.of(new ListedPid(pid(), ""));
    }

    @Override
    public void pause() {
        v1("").pause();
    }

    @Override
    public void resume() {
        v1("").resume();
    }

    @Override
    public void checkpoint(String path, Any options) {
        v1("").checkpoint(path, options);
    }

    @Override
    public void kill(String execId, int signal, boolean all) {
        if (execId.isEmpty() && record.init().lacksFirstThread()) {
            // The OCI runtime takes it for dead, and sends no signal.
            signalItself(signal, all);
            return;
        }
        try {
            v1(execId).kill(execId, signal, all);
        } catch (ShimException e) {
            var isOurs = (e.kind() == Kind.UNAVAILABLE && !record.shim().isAlive())
                    || record.init().lacksFirstThread();
            if (execId.isEmpty() && isOurs) {
                signalItself(signal, all);
                return;
            }
            if (e.kind() == Kind.UNKNOWN && exits.known(execId) != null) {
                // The shim does not know it yet.
                throw new ShimException(Kind.NOT_FOUND, "process already finished", e);
            }
            throw e;
        }
    }

    private void signalItself(int signal, boolean all) {
        try {
            if (!(all ? orphan.signal(signal) : record.init().signal(signal))) {
                throw ShimException.notFound("process already finished");
            }
        } catch (ErrnoException e) {
            throw new ShimException(Kind.INTERNAL, "signal " + signal + ": " + e.getMessage(), e);
        }
    }

    @Override
    public void exec(ExecRequest r) {
        var before = notes.execs().get(r.execId());
        v1("").exec(r);
        // It refuses an id in use: whatever is known under this id is of an exec that does not exist any more.
        forgetOld(r.execId(), before);
    }

    @Override
    public void resize(String execId, int width, int height) {
        try {
            v1(execId).resize(execId, width, height);
        } catch (ShimException e) {
            if (e.kind() != Kind.UNKNOWN || exits.known(execId) == null) {
                throw e;
            }
        }
    }

    @Override
    public void closeStdin(String execId) {
        v1(execId).closeStdin(execId);
    }

    @Override
    public void update(ByteString resources, Map<String, String> annotations) {
        v1("").update(resources, annotations);
    }

    @Override
    public CompletableFuture<Exit> exited(String execId) {
        if (!execId.isEmpty() && !exits.isWatched(execId)) {
            // Throws NOT_FOUND now, which a wait that fails later could not.
            var state = state(execId);
            var exit = exits.watch(execId);
            if (state.status() == ProcessStatus.RUNNING || state.status() == ProcessStatus.PAUSED) {
                exit.runs(state.pid());
            }
        }
        return exits.watch(execId).shown();
    }

    @Override
    public void onOom(Runnable report) {
        ooms.begin(report);
    }

    @Override
    public Message stats() {
        return stats.get();
    }

    /** The shim's own task, for a call on a process; {@code ""} for init, or for the container. */
    private V1Task v1(String execId) {
        return v1(link.of(execId));
    }

    private V1Task v1(V1Calls calls) {
        return new V1Task(id(), record.v1Bundle(), calls);
    }
}
