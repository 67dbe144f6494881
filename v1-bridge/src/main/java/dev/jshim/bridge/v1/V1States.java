package dev.jshim.bridge.v1;

import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.linux.ProcessId;
import dev.jshim.task.Exit;
import dev.jshim.task.ProcessState;
import dev.jshim.task.ProcessStatus;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimException.Kind;
import dev.jshim.task.Stdio;
import dev.jshim.task.client.V1Calls;
import dev.jshim.task.client.V1Task;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * How the processes of a v1 shim stand: as it says, and while it does not answer as far as that can be said without it.
 * Thread-safe.
 */
public final class V1States {
    /** @param exec the process itself; null for init, whose record has it, and for one that does not run */
    private record Seen(ProcessState said, @Nullable ProcessId exec) {}

    private final AdoptedRecord record;
    private final Path bundle;
    private final ShimLink link;
    private final Function<String, @Nullable Exit> known;
    /** What the shim said last of each process. */
    private final Map<String, Seen> seen = new ConcurrentHashMap<>();

    /**
     * States of one container.
     *
     * @param bundle the bundle that the adoption added
     * @param known the exit of a process by its exec id, as far as it is known without the shim; null otherwise
     */
    public V1States(AdoptedRecord record, Path bundle, ShimLink link, Function<String, @Nullable Exit> known) {
        this.record = record;
        this.bundle = bundle;
        this.link = link;
        this.known = known;
    }

    /**
     * Asks for a process.
     *
     * @param execId "" for init
     */
    public ProcessState of(String execId) {
        return of(execId, link.of(execId));
    }

    /** As {@link #of(String)}, and waits longer. */
    public ProcessState of(String execId, Duration patience) {
        return of(execId, link.patient(patience));
    }

    private ProcessState of(String execId, V1Calls calls) {
        ProcessState said;
        try {
            said = new V1Task(record.id(), record.v1Bundle(), calls).state(execId);
        } catch (ShimException e) {
            var last = withoutShim(execId, e);
            if (last != null) {
                return last;
            }
            throw e;
        }
        var shown = new ProcessState(said.id(), bundle, said.pid(), said.status(), said.stdio(), said.exit());
        seen.put(execId, new Seen(shown, execId.isEmpty() ? null : ProcessId.find(said.pid())));
        return shown;
    }

    /** Whether the shim knows of no such process. */
    public boolean isGone(String execId) {
        try {
            var _ = of(execId);
            return false;
        } catch (ShimException e) {
            return e.kind() == Kind.NOT_FOUND;
        }
    }

    /** That a process was deleted. */
    public void forget(String execId) {
        seen.remove(execId);
    }

    /** How a process stands, without the shim that should know; null where that cannot be said. */
    private @Nullable ProcessState withoutShim(String execId, ShimException failure) {
        var isSilent = failure.kind() == Kind.UNAVAILABLE || failure.kind() == Kind.DEADLINE_EXCEEDED;
        if (!isSilent && failure.kind() != Kind.NOT_FOUND) {
            return null;
        }
        var exit = known.apply(execId);
        if (exit != null) {
            return new ProcessState(
                    execId.isEmpty() ? record.id() : execId,
                    bundle,
                    exit.pid(),
                    ProcessStatus.STOPPED,
                    Stdio.NONE,
                    exit);
        }
        var before = seen.get(execId);
        if (isSilent
                && before != null
                && before.said().status() != ProcessStatus.STOPPED
                && isAlive(execId.isEmpty() ? record.init() : before.exec())) {
            return before.said();
        }
        if (execId.isEmpty() && isSilent && record.init().isAlive()) {
            return new ProcessState(record.id(), bundle, record.init().pid(), ProcessStatus.RUNNING, Stdio.NONE, null);
        }
        return null;
    }

    private static boolean isAlive(@Nullable ProcessId process) {
        return process != null && process.isAlive();
    }
}
