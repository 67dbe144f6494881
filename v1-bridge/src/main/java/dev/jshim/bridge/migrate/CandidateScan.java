package dev.jshim.bridge.migrate;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.jshim.bridge.end.Cleanup;
import dev.jshim.bridge.journal.JournalEntry;
import dev.jshim.bridge.journal.OldRuntime;
import dev.jshim.bridge.record.AdoptedBundle;
import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.linux.ProcessId;
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
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Looks at all v1 bundles of a node at once and asks their shims who they are: a shim is adopted only where what it
 * says of itself and of its container agrees with the processes that there are.
 *
 * @param old what holds for containers whose records name no OCI runtime
 */
record CandidateScan(NodePaths paths, ContainerdClient containerd, JournalEntry old, Duration timeout) {
    /**
     * The candidates of one namespace, or of all; each shim has its own timeout, all are asked together. What is odd
     * about one container is no reason to leave the others.
     */
    List<Candidate> scan(@Nullable String namespace) {
        var processes = new ShimProcesses(ProcFs.system());
        var deleted = Cleanup.deletedBundles(new BridgePaths(paths));
        var bundles = Node.read(paths).v1().stream()
                .filter(bundle -> !deleted.contains(bundle.path()))
                .filter(bundle -> namespace == null || bundle.task().namespace().equals(namespace))
                .toList();
        return AdoptedSurvey.atOnce(bundles, bundle -> {
            try {
                var found = processes.of(bundle);
                var candidate = look(bundle, found == null ? 0 : found.pid());
                return candidate.record() == null && processes.isInitReused(bundle, found)
                        ? new Candidate(bundle, 0, candidate.shimPid(), candidate.reachable(), null, candidate.reason())
                        : candidate;
            } catch (RuntimeException e) {
                return refuse(bundle, 0, false, "it cannot be adopted: " + e.getMessage());
            }
        });
    }

    private static Candidate refuse(V1Bundle bundle, int shimPid, boolean isReachable, String reason) {
        return new Candidate(bundle, bundle.initPid(), shimPid, isReachable, null, reason);
    }

    private Candidate look(V1Bundle bundle, int shimPid) {
        if (!Ids.isSafe(bundle.task().id()) || !Ids.isSafe(bundle.task().namespace())) {
            return refuse(bundle, shimPid, false, "the name of the bundle is not an id");
        }
        if (!(bundle.config() instanceof OciConfig.Spec)) {
            return refuse(bundle, shimPid, false, String.join("; ", bundle.problems()));
        }
        // Before its shim is asked: what has the pid, and is init still by the answer, was init then.
        var before = ProcessId.find(bundle.initPid());
        var saidPid = new AtomicInteger(shimPid);
        var answer = Shims.ask(bundle, timeout, shim -> {
            saidPid.set(shim.shimPid());
            return shim.state("");
        });
        var said = answer.orNull();
        if (said != null) {
            return decide(bundle, shimPid, saidPid.get(), said, before);
        }
        var dead = saidPid.get() == 0 ? "its shim is dead" : "its shim does not answer";
        return refuse(bundle, saidPid.get(), false, dead + " (" + answer.describe() + ")");
    }

    private Candidate decide(
            V1Bundle bundle, int foundPid, int saidPid, ProcessState said, @Nullable ProcessId before) {
        var shim = ProcessId.find(saidPid);
        var facts = ProcFs.system().facts(saidPid);
        var flags = facts == null ? null : ShimFlags.parse(facts.argv());
        var why = "";
        if (foundPid == 0 && bundle.socket() instanceof ShimSocket.Abstract) {
            // Anybody in the host's network namespace can listen on the name of a shim that has died, and name any pid.
            why = "a process answers on its abstract socket, but no shim of it runs: find that process";
        } else if (shim == null || (foundPid != 0 && foundPid != saidPid)) {
            why = "the process on its socket reports pid " + saidPid + ", but its shim is " + foundPid;
        } else if (bundle.initPid() != 0 && bundle.initPid() != said.pid()) {
            why = "init.pid has " + bundle.initPid() + ", but the shim reports " + said.pid();
        } else if (flags != null
                && !flags.workdir().isEmpty()
                && !Place.isSame(Path.of(flags.workdir()), bundle.work())) {
            why = "its shim works in " + flags.workdir() + ", not in " + bundle.work()
                    + ": name its containerd's root directory with --root";
        }
        if (shim == null || !why.isEmpty()) {
            return refuse(bundle, saidPid, true, why);
        }
        // One that has exited and was not deleted yet is adopted too: its exit code lies in the shim. Its pid may be
        // another's by now.
        var found = bundle.initPid() == 0 ? ProcessId.find(said.pid()) : before;
        var init = found == null || said.status() == ProcessStatus.STOPPED ? new ProcessId(said.pid(), 0) : found;
        var target = paths.v2Bundle(bundle.task());
        if (!Files.exists(target)) {
            return new Candidate(bundle, init.pid(), saidPid, true, record(bundle, shim, flags, init), "");
        }
        why = "a v2 bundle of this id exists, which no adoption added";
        if (AdoptedBundle.isOurs(target)) {
            try {
                var record = AdoptedRecord.read(target);
                if (record.shim().equals(shim) && record.init().pid() == init.pid()) {
                    return new Candidate(bundle, init.pid(), saidPid, true, record, "adopted already");
                }
                why = "the v2 bundle is of an older container of this id: roll back first";
            } catch (IOException e) {
                why = String.valueOf(e.getMessage());
            }
        }
        return refuse(bundle, saidPid, true, why);
    }

    private AdoptedRecord record(V1Bundle bundle, ProcessId shim, @Nullable ShimFlags flags, ProcessId init) {
        var task = bundle.task();
        var options = options(bundle);
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
