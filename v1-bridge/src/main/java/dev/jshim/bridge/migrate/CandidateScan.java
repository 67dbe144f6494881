package dev.jshim.bridge.migrate;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.jshim.bridge.end.Cleanup;
import dev.jshim.bridge.journal.JournalEntry;
import dev.jshim.bridge.journal.OldRuntime;
import dev.jshim.bridge.record.AdoptedBundle;
import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.linux.ProcessId;
import dev.jshim.node.Answer;
import dev.jshim.node.NodePaths;
import dev.jshim.node.bundle.OciConfig;
import dev.jshim.node.bundle.V1Bundle;
import dev.jshim.node.daemon.ContainerdClient;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.shim.ShimFlags;
import dev.jshim.node.shim.ShimProcesses;
import dev.jshim.node.shim.Shims;
import dev.jshim.node.survey.Node;
import dev.jshim.proto.v1.runc.RuncOptions;
import dev.jshim.task.Ids;
import dev.jshim.task.ProcessState;
import dev.jshim.task.ProcessStatus;
import dev.jshim.task.ShimSocket;
import dev.jshim.task.client.ShimTask;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/**
 * Looks at all v1 bundles of a node at once and asks their shims who they are: a shim is adopted only where what it
 * says of itself and of its container agrees with the processes that there are.
 */
final class CandidateScan {
    private final NodePaths paths;
    private final ContainerdClient containerd;
    private final JournalEntry old;
    private final Duration timeout;
    private final ProcFs proc = ProcFs.system();

    /** @param old what holds for containers whose records name no OCI runtime */
    CandidateScan(NodePaths paths, ContainerdClient containerd, JournalEntry old, Duration timeout) {
        this.paths = paths;
        this.containerd = containerd;
        this.old = old;
        this.timeout = timeout;
    }

    /** The candidates of one namespace, or of all; each shim has its own timeout, all are asked together. */
    List<Candidate> scan(@Nullable String namespace) {
        var processes = new ShimProcesses(proc);
        var deleted = Cleanup.deletedBundles(new BridgePaths(paths));
        List<Callable<Candidate>> looks = Node.read(paths).v1().stream()
                .filter(bundle -> !deleted.contains(bundle.path()))
                .filter(bundle -> namespace == null || bundle.task().namespace().equals(namespace))
                .<Callable<Candidate>>map(bundle -> () -> lookOrRefuse(bundle, processes))
                .toList();
        try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Candidate> found = new ArrayList<>();
            for (var look : executor.invokeAll(looks)) {
                found.add(look.get());
            }
            return found;
        } catch (ExecutionException e) {
            throw new IllegalStateException("cannot look at a v1 bundle", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return List.of();
        }
    }

    /** What is odd about one container is no reason to leave the others. */
    private Candidate lookOrRefuse(V1Bundle bundle, ShimProcesses processes) {
        try {
            var candidate = look(bundle, processes);
            return candidate.record() == null && processes.isInitReused(bundle, processes.of(bundle))
                    ? candidate.withoutInit()
                    : candidate;
        } catch (RuntimeException e) {
            return Candidate.refuse(bundle, 0, false, "it cannot be adopted: " + e.getMessage());
        }
    }

    private Candidate look(V1Bundle bundle, ShimProcesses processes) {
        var found = processes.of(bundle);
        var shimPid = found == null ? 0 : found.ref().pid();
        if (!Ids.isSafe(bundle.task().id()) || !Ids.isSafe(bundle.task().namespace())) {
            return Candidate.refuse(bundle, shimPid, false, "the name of the bundle is not an id");
        }
        if (!(bundle.config() instanceof OciConfig.Spec)) {
            return Candidate.refuse(bundle, shimPid, false, String.join("; ", bundle.problems()));
        }
        var answer = Shims.open(bundle, timeout);
        if (answer instanceof Answer.Answered<ShimTask>(var shim, var _)) {
            try (shim) {
                return ask(bundle, shim, shimPid);
            }
        }
        return refuseMute(bundle, shimPid, answer);
    }

    private static Candidate refuseMute(V1Bundle bundle, int shimPid, Answer<?> answer) {
        var dead = shimPid == 0 ? "its shim is dead" : "its shim does not answer";
        return Candidate.refuse(bundle, shimPid, false, dead + " (" + answer.describe() + ")");
    }

    private Candidate ask(V1Bundle bundle, ShimTask shim, int foundPid) {
        var said = Answer.of(timeout, shim::shimPid);
        var saidPid = said.orNull();
        if (saidPid == null) {
            return refuseMute(bundle, foundPid, said);
        }
        // Before its shim is asked: what has the pid, and is init still by the answer, was init then.
        var before = ProcessId.find(bundle.initPid());
        var state = Answer.of(timeout, () -> shim.state(""));
        var now = state.orNull();
        if (now == null) {
            return refuseMute(bundle, saidPid, state);
        }
        var why = "";
        var shimRef = ProcessId.find(saidPid);
        var flags = flags(saidPid);
        if (foundPid == 0 && bundle.socket() instanceof ShimSocket.Abstract) {
            // Anybody in the host's network namespace can listen on the name of a shim that has died, and name any pid.
            why = "a process answers on its abstract socket, but no shim of it runs: find that process";
        } else if (shimRef == null || (foundPid != 0 && foundPid != saidPid)) {
            why = "the process on its socket reports pid " + saidPid + ", but its shim is " + foundPid;
        } else if (bundle.initPid() != 0 && bundle.initPid() != now.pid()) {
            why = "init.pid has " + bundle.initPid() + ", but the shim reports " + now.pid();
        } else if (flags != null
                && !flags.workdir().isEmpty()
                && !Place.isSame(Path.of(flags.workdir()), bundle.work())) {
            why = "its shim works in " + flags.workdir() + ", not in " + bundle.work()
                    + ": name its containerd's root directory with --root";
        }
        if (shimRef == null || !why.isEmpty()) {
            return Candidate.refuse(bundle, saidPid, true, why);
        }
        return decide(bundle, shimRef, init(now, bundle.initPid() == 0 ? ProcessId.find(now.pid()) : before));
    }

    private @Nullable ShimFlags flags(int shimPid) {
        var facts = proc.facts(shimPid);
        return facts == null ? null : ShimFlags.parse(facts.argv());
    }

    /**
     * A container that has exited and was not deleted yet is adopted too: its exit code lies in the shim. Its pid may
     * be another's by now.
     *
     * @param found what has init's pid
     */
    private static ProcessId init(ProcessState said, @Nullable ProcessId found) {
        return found == null || said.status() == ProcessStatus.STOPPED ? new ProcessId(said.pid(), 0) : found;
    }

    private Candidate decide(V1Bundle bundle, ProcessId shim, ProcessId init) {
        var task = bundle.task();
        var target = paths.v2Bundle(task);
        if (!Files.exists(target)) {
            return Candidate.adopt(bundle, record(bundle, shim, init));
        }
        var why = "a v2 bundle of this id exists, which no adoption added";
        if (AdoptedBundle.isOurs(target)) {
            try {
                var before = AdoptedRecord.read(target);
                if (before.shim().equals(shim) && before.init().pid() == init.pid()) {
                    return Candidate.adopted(bundle, before);
                }
                why = "the v2 bundle is of an older container of this id: roll back first";
            } catch (IOException e) {
                why = String.valueOf(e.getMessage());
            }
        }
        return Candidate.refuse(bundle, shim.pid(), true, why);
    }

    private AdoptedRecord record(V1Bundle bundle, ProcessId shim, ProcessId init) {
        var task = bundle.task();
        var options = options(bundle);
        var flags = flags(shim.pid());
        // The old daemon hands the root on as a flag; only a shim that hides its flags leaves room for doubt.
        var root = flags == null
                ? firstOf(options.getRuntimeRoot(), old.value("runtime-root"), ShimFlags.DEFAULT_RUNTIME_ROOT)
                : flags.runtimeRoot();
        var socket = bundle.socket();
        return new AdoptedRecord(
                task.namespace(),
                task.id(),
                bundle.path(),
                bundle.work(),
                shim,
                init,
                socket == null ? "" : socket.address(),
                firstOf(options.getRuntime(), old.value("runtime"), OldRuntime.RUNC),
                Path.of(root, task.namespace()));
    }

    private static String firstOf(String first, String second, String last) {
        return !first.isEmpty() ? first : !second.isEmpty() ? second : last;
    }

    /** What the container's record says of its OCI runtime, where a daemon is there to be asked. */
    private RuncOptions options(V1Bundle bundle) {
        var record = containerd.container(bundle.task()).orNull();
        var any = record == null ? null : record.runtimeOptions();
        if (any == null || !any.getTypeUrl().endsWith("containerd.linux.runc.RuncOptions")) {
            return RuncOptions.getDefaultInstance();
        }
        try {
            return RuncOptions.parseFrom(any.getValue());
        } catch (InvalidProtocolBufferException e) {
            return RuncOptions.getDefaultInstance();
        }
    }
}
