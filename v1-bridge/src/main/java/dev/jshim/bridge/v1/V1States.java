package dev.jshim.bridge.v1;

import com.google.protobuf.Timestamp;
import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.linux.ProcessId;
import dev.jshim.proto.v1.shim.DeleteResponse;
import dev.jshim.proto.v1.shim.ShimGrpc.ShimBlockingStub;
import dev.jshim.proto.v1.shim.StateRequest;
import dev.jshim.proto.v1.shim.StateResponse;
import dev.jshim.task.Exit;
import dev.jshim.task.ProcessState;
import dev.jshim.task.ProcessStatus;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimException.Kind;
import dev.jshim.task.Stdio;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
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
    private record Seen(StateResponse said, @Nullable ProcessId exec) {}

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
     * @param v1Id what the shim calls it
     */
    public ProcessState of(String execId, String v1Id) {
        // For init a containerd that loads asks, and cannot wait; for an exec a client, who would get an error.
        return execId.isEmpty() ? of(execId, link::glance, v1Id) : of(execId, v1Id, ShimLink.GLANCE);
    }

    /** As {@link #of(String, String)}, and waits longer. */
    public ProcessState of(String execId, String v1Id, Duration patience) {
        return of(execId, rpc -> link.readPatiently(patience, rpc), v1Id);
    }

    private ProcessState of(
            String execId, Function<Function<ShimBlockingStub, StateResponse>, StateResponse> ask, String v1Id) {
        var request = StateRequest.newBuilder().setId(v1Id).build();
        StateResponse r;
        try {
            r = ask.apply(shim -> shim.state(request));
        } catch (ShimException e) {
            var last = withoutShim(execId, e);
            if (last != null) {
                return last;
            }
            throw e;
        }
        seen.put(execId, new Seen(r, execId.isEmpty() ? null : ProcessId.find(r.getPid())));
        return shown(execId, r);
    }

    public boolean isStopped(String execId, String v1Id) {
        try {
            return of(execId, v1Id).status() == ProcessStatus.STOPPED;
        } catch (ShimException e) {
            return e.kind() == Kind.NOT_FOUND;
        }
    }

    /** Whether the shim knows of no such process. */
    public boolean isGone(String execId, String v1Id) {
        try {
            var _ = of(execId, v1Id);
            return false;
        } catch (ShimException e) {
            return e.kind() == Kind.NOT_FOUND;
        }
    }

    /** That a process was deleted. */
    public void forget(String execId) {
        seen.remove(execId);
    }

    private ProcessState shown(String execId, StateResponse r) {
        var status = status(r);
        var exit = status == ProcessStatus.STOPPED
                ? new Exit(r.getPid(), r.getExitStatus(), instant(r.getExitedAt()))
                : null;
        var stdio = new Stdio(r.getStdin(), r.getStdout(), r.getStderr(), r.getTerminal());
        return new ProcessState(execId.isEmpty() ? record.id() : execId, bundle, r.getPid(), status, stdio, exit);
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
                && status(before.said()) != ProcessStatus.STOPPED
                && isAlive(execId.isEmpty() ? record.init() : before.exec())) {
            return shown(execId, before.said());
        }
        if (execId.isEmpty() && isSilent && record.init().isAlive()) {
            return new ProcessState(record.id(), bundle, record.init().pid(), ProcessStatus.RUNNING, Stdio.NONE, null);
        }
        return null;
    }

    private static boolean isAlive(@Nullable ProcessId process) {
        return process != null && process.isAlive();
    }

    private static ProcessStatus status(StateResponse r) {
        return switch (r.getStatus()) {
            case CREATED -> ProcessStatus.CREATED;
            case RUNNING -> ProcessStatus.RUNNING;
            case STOPPED -> ProcessStatus.STOPPED;
            case PAUSED -> ProcessStatus.PAUSED;
            case PAUSING -> ProcessStatus.PAUSING;
            case UNKNOWN, UNRECOGNIZED -> ProcessStatus.UNKNOWN;
        };
    }

    /** How a process ended that was deleted. */
    public static Exit exit(DeleteResponse r) {
        return new Exit(r.getPid(), r.getExitStatus(), instant(r.getExitedAt()));
    }

    /** Go's zero time is in the year 1: it means that there is none, for which {@link Exit#NEVER} stands here. */
    public static Instant instant(Timestamp at) {
        return at.getSeconds() <= 0 ? Exit.NEVER : Instant.ofEpochSecond(at.getSeconds(), at.getNanos());
    }
}
